import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URL;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.apache.axis.AxisFault;
import org.apache.axis.configuration.FileProvider;
import org.apache.axis.transport.http.SimpleAxisServer;

/** The gas company (燃气公司): Axis 1.4 takes its orders; it works on them and tells the hub in its own words. */
final class GasCompany {
    private static final int SIGNED = 1;
    private static final int DONE = 10;
    private static final int NOT_OURS = 90;
    private static volatile GasCompany here;

    private final String unit;
    private final String token;
    private final int seed;
    private final CityTime clock;
    private final Journal journal;
    private final HubService hub;
    private final Set<String> recalled = ConcurrentHashMap.newKeySet();
    private final ScheduledExecutorService crews = Executors.newScheduledThreadPool(2);

    private GasCompany(JsonObject told) throws Exception {
        JsonObject access = told.getAsJsonArray("units").get(0).getAsJsonObject();
        JsonObject own = access.getAsJsonObject("own");
        String url = told.get("url").getAsString();
        unit = access.get("unit_id").getAsString();
        seed = told.get("seed").getAsInt();
        token = own.get("password").getAsString();
        clock = CityTime.ask(url, access.get("key").getAsString());
        journal = new Journal(Path.of(told.get("journal").getAsString()), unit);
        hub = new HubService(new URL(url + "/units/" + unit + "/in"), own.get("user").getAsString(), token);
    }

    /** The company, for whoever shows its token. */
    static GasCompany of(String token) throws AxisFault {
        GasCompany company = here;
        if (company == null || token == null || !MessageDigest.isEqual(bytes(token), bytes(company.token))) {
            throw new AxisFault("Client.Authentication", "token", null, null);
        }
        return company;
    }

    Journal journal() {
        return journal;
    }

    void recall(String caseNumber) {
        recalled.add(caseNumber);
    }

    /** Work on an order: acknowledge, then finish it or give it back. */
    void begin(Order order) {
        recalled.remove(order.caseNumber());
        boolean first = order.number() == 1 && order.round() == 1;
        if (first && chance(order, "back") < 0.1) {
            after(30, () -> says("return", NOT_OURS, order, "经现场核实,不属燃气设施"));
            return;
        }
        double left = (order.due() - clock.now()) / 60_000.0;
        double wanted = first ? 40 + chance(order, "long") * 90 : 20 + chance(order, "long") * 25;
        double finish = Math.min(wanted, Math.max(left * 0.6, 5));
        double signed = Math.min(4 + chance(order, "quick") * 16, finish / 2);
        after(signed, () -> {
            if (says("acknowledgement", SIGNED, order, "")) {
                after(finish - signed, () -> says("feedback", DONE, order, order.kindName() + "已修复,气密性合格"));
            }
        });
    }

    private boolean says(String kind, int state, Order order, String memo) {
        if (recalled.contains(order.caseNumber())) {
            return false;
        }
        String id = kind + "-" + order.caseNumber() + "-" + order.number() + "-" + order.round();
        try {
            Reply told = hub.reply(id, order.caseNumber(), state, memo, clock.now(), "燃气抢修一班");
            journal.answered(id, kind, told);
            return told.getCode() == 0;
        } catch (Exception fault) {
            fault.printStackTrace();
            return false;
        }
    }

    private void after(double minutes, Runnable work) {
        crews.schedule(work, clock.millisOf(minutes), TimeUnit.MILLISECONDS);
    }

    /** Chance that depends on the parts alone. */
    private double chance(Order order, String what) {
        String parts = String.join("/", String.valueOf(seed), unit, String.valueOf(order.number()),
                String.valueOf(order.round()), order.kind(), order.address(), what);
        try {
            byte[] digest = MessageDigest.getInstance("SHA-256").digest(bytes(parts));
            return Integer.toUnsignedLong(ByteBuffer.wrap(digest).getInt()) / 4294967296.0;
        } catch (java.security.NoSuchAlgorithmException fault) {
            throw new IllegalStateException(fault);
        }
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    /** Say where it is, read its part, play it until standard input ends. */
    public static void main(String[] arguments) throws Exception {
        ServerSocket socket = new ServerSocket(0, 64, InetAddress.getLoopbackAddress());
        SimpleAxisServer server = new SimpleAxisServer();
        server.setMyConfig(new FileProvider(arguments[0]));
        server.setServerSocket(socket);
        server.start(true);
        System.out.println("{\"ready\": true, \"port\": " + socket.getLocalPort() + "}");
        System.out.flush();
        BufferedReader input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        String line = input.readLine();
        if (line != null) {
            here = new GasCompany(JsonParser.parseString(line).getAsJsonObject());
        }
        while (line != null) {
            // Whoever started this process holds the other end: when that closes, this ends too.
            line = input.readLine();
        }
        System.exit(0);
    }
}
