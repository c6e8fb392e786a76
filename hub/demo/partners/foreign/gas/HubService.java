import java.net.URL;
import javax.xml.namespace.QName;
import javax.xml.rpc.ParameterMode;
import javax.xml.rpc.ServiceException;
import org.apache.axis.client.Call;
import org.apache.axis.client.Service;
import org.apache.axis.encoding.XMLType;
import org.apache.axis.encoding.ser.BeanDeserializerFactory;
import org.apache.axis.encoding.ser.BeanSerializerFactory;

/** The hub as the company sees it: one RPC/encoded operation of the company's own, called by Axis' own client. */
final class HubService {
    private static final String NAMESPACE = "http://gas.example/szcg";
    private static final int LATER = 5;
    private static final int TRIES = 20;
    private static final long PAUSE_MILLIS = 300;

    private final URL address;
    private final String user;
    private final String password;
    private final Service service = new Service();

    HubService(URL address, String user, String password) {
        this.address = address;
        this.user = user;
        this.password = password;
    }

    /** Say it until the hub has taken or refused it; the same message, under the same id, each time. */
    Reply reply(String id, String caseNo, int state, String memo, long ts, String crew) throws Exception {
        for (int again = 1;; again++) {
            try {
                Object[] arguments = {id, caseNo, state, memo, ts, crew};
                Reply told = (Reply) call().invoke(arguments);
                if (told.getCode() != LATER || again == TRIES) {
                    return told;
                }
            } catch (java.rmi.RemoteException fault) {
                if (again == TRIES) {
                    throw fault;
                }
            }
            Thread.sleep(PAUSE_MILLIS);
        }
    }

    private Call call() throws ServiceException {
        Call call = (Call) service.createCall();
        call.setTargetEndpointAddress(address);
        call.setUsername(user);
        call.setPassword(password);
        call.setTimeout(10_000);
        call.setOperationName(new QName(NAMESPACE, "reply"));
        call.addParameter("id", XMLType.XSD_STRING, ParameterMode.IN);
        call.addParameter("caseNo", XMLType.XSD_STRING, ParameterMode.IN);
        call.addParameter("state", XMLType.XSD_INT, ParameterMode.IN);
        call.addParameter("memo", XMLType.XSD_STRING, ParameterMode.IN);
        call.addParameter("ts", XMLType.XSD_LONG, ParameterMode.IN);
        call.addParameter("crew", XMLType.XSD_STRING, ParameterMode.IN);
        QName bean = new QName(NAMESPACE, "Reply");
        call.registerTypeMapping(Reply.class, bean, new BeanSerializerFactory(Reply.class, bean),
                new BeanDeserializerFactory(Reply.class, bean));
        call.setReturnType(bean);
        return call;
    }
}
