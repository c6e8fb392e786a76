/** A work order as the company keeps it; {@code due} in milliseconds. */
record Order(String caseNumber, int number, int round, String kind, String kindName, String address, long due) {
}
