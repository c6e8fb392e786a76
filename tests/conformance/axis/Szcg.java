import java.io.FileWriter;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;

import org.apache.axis.AxisFault;
import org.apache.axis.MessageContext;
import org.apache.axis.configuration.FileProvider;
import org.apache.axis.transport.http.SimpleAxisServer;

/** A gas company's service as it was written for Axis 1.x: RPC/encoded, flat arguments, a bean for an answer. */
public class Szcg {
    /** What the company answers; Axis writes it as a multiRef. */
    public static class Reply implements java.io.Serializable {
        private int code;
        private String message;

        public int getCode() { return code; }
        public void setCode(int code) { this.code = code; }
        public String getMessage() { return message; }
        public void setMessage(String message) { this.message = message; }
    }

    public Reply addCase(String caseNo, int seq, String type, String typeName, String memo, String lon, String lat,
            long limitTime, String pics, String token) throws AxisFault {
        if (!"szcg".equals(token)) {
            throw new AxisFault("Client.Authentication", "token", null, null);
        }
        if (memo == null) {
            throw new IllegalStateException("memo");
        }
        Reply reply = new Reply();
        reply.setCode("C9999".equals(type) ? 3 : 0);
        reply.setMessage(reply.getCode() == 0 ? "已受理" : "无此类别");
        String asked = new String(MessageContext.getCurrentContext().getRequestMessage().getSOAPPartAsBytes());
        write(caseNo + "|" + seq + "|" + type + "|" + typeName + "|" + memo + "|" + lon + "|" + lat + "|" + limitTime
                + "|" + pics + "\n" + asked.replace("\n", " ") + "\n");
        return reply;
    }

    /** Arrays and beans as arguments. */
    public int addAll(Reply[] replies, String[] pics) {
        int sum = 0;
        for (Reply reply : replies) {
            sum += reply.getCode();
        }
        return sum * 100 + pics.length;
    }

    private static synchronized void write(String line) {
        try (FileWriter journal = new FileWriter("journal.txt", java.nio.charset.StandardCharsets.UTF_8, true)) {
            journal.write(line);
        } catch (IOException fault) {
            throw new IllegalStateException(fault);
        }
    }

    /** Serves until standard input ends; the port is the first line of standard output. */
    public static void main(String[] arguments) throws Exception {
        ServerSocket socket = new ServerSocket(0, 64, InetAddress.getLoopbackAddress());
        SimpleAxisServer server = new SimpleAxisServer();
        server.setMyConfig(new FileProvider(arguments[0]));
        server.setServerSocket(socket);
        System.out.println(socket.getLocalPort());
        System.out.flush();
        server.start(true);
        while (System.in.read() >= 0) {
            // Whoever started this process holds the other end: when that closes, this ends too.
        }
        System.exit(0);
    }
}
