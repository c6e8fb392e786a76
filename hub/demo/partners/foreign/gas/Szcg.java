import org.apache.axis.AxisFault;

/** The service as it was written for Axis 1.x: RPC/encoded, flat arguments, a bean for an answer. */
public class Szcg {
    private static final Reply TAKEN = new Reply(0, "已受理");

    /** A work order. */
    public Reply addCase(String msgId, long serial, String caseNo, int seq, int times, String type, String typeName,
            String memo, String addr, String lon, String lat, long limitTime, String token) throws AxisFault {
        GasCompany company = GasCompany.of(token);
        Letter letter = new Letter(msgId, "case.dispatch", caseNo, serial);
        if (company.journal().arrived(letter)) {
            company.begin(new Order(caseNo, seq, times, type, typeName, addr == null ? "" : addr, limitTime));
        }
        return TAKEN;
    }

    /** A notice: an order that is taken back, a reminder, a decision. */
    public Reply notify(String msgId, long serial, String caseNo, int topic, String memo, String token)
            throws AxisFault {
        GasCompany company = GasCompany.of(token);
        boolean recall = topic == 1;
        if (company.journal().arrived(new Letter(msgId, recall ? "case.recall_notice" : "notice", caseNo, serial))
                && recall) {
            company.recall(caseNo);
        }
        return TAKEN;
    }
}
