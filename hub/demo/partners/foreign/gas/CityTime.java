import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.HttpURLConnection;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.time.OffsetDateTime;

/** City time, as the hub told it once. */
final class CityTime {
    private final long city;
    private final double rate;
    private final long toldAt = System.nanoTime();

    private CityTime(long city, double rate) {
        this.city = city;
        this.rate = rate;
    }

    static CityTime ask(String url, String key) throws IOException {
        HttpURLConnection call = (HttpURLConnection) new URL(url + "/api/v1/clock").openConnection();
        call.setRequestProperty("Authorization", "Bearer " + key);
        call.setConnectTimeout(10_000);
        call.setReadTimeout(10_000);
        try (InputStreamReader answer = new InputStreamReader(call.getInputStream(), StandardCharsets.UTF_8)) {
            JsonObject told = JsonParser.parseReader(answer).getAsJsonObject();
            long now = OffsetDateTime.parse(told.get("now").getAsString()).toInstant().toEpochMilli();
            return new CityTime(now, told.get("rate").getAsDouble());
        }
    }

    /** Milliseconds of the city since 1970. */
    long now() {
        return city + (long) ((System.nanoTime() - toldAt) / 1e6 * rate);
    }

    /** How many real milliseconds so many minutes of the city are. */
    long millisOf(double minutes) {
        return (long) Math.max(0, minutes * 60_000 / rate);
    }
}
