/** What either side answers; Axis writes it as a multiRef. */
public class Reply implements java.io.Serializable {
    private int code;
    private String message;
    private String caseNo;
    private int version;

    public Reply() {
    }

    Reply(int code, String message) {
        this.code = code;
        this.message = message;
    }

    public int getCode() { return code; }
    public void setCode(int code) { this.code = code; }
    public String getMessage() { return message; }
    public void setMessage(String message) { this.message = message; }
    public String getCaseNo() { return caseNo; }
    public void setCaseNo(String caseNo) { this.caseNo = caseNo; }
    public int getVersion() { return version; }
    public void setVersion(int version) { this.version = version; }
}
