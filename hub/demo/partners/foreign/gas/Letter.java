/** What tells one letter of the hub from another. */
record Letter(String id, String contract, String caseNumber, long sequence) {
}
