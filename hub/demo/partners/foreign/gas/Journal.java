import com.google.gson.JsonObject;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.util.HashSet;
import java.util.Set;

/** The company's own journal: JSON lines, on the disk before anything follows from them. */
final class Journal {
    private final FileChannel file;
    private final String unit;
    private final Set<String> known = new HashSet<>();

    Journal(Path path, String unit) throws IOException {
        this.file = FileChannel.open(path, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
        this.unit = unit;
    }

    /** Write an arrival down, and its letter as taken unless it was before; whether it is new. */
    synchronized boolean arrived(Letter letter) {
        boolean fresh = !known.contains(letter.id());
        JsonObject received = of("letter.received", letter);
        received.addProperty("repeat", !fresh);
        String rows = received + "\n";
        if (fresh) {
            rows += of("letter.taken", letter) + "\n";
        }
        write(rows);
        known.add(letter.id());
        return fresh;
    }

    /** Write down what the hub answered to a message. */
    synchronized void answered(String messageId, String kind, Reply told) {
        boolean taken = told.getCode() == 0;
        JsonObject row = row(taken ? "message.sent" : "message.refused");
        row.addProperty("message_id", messageId);
        row.addProperty("kind", "case." + kind);
        row.addProperty("by", "inbound");
        if (taken) {
            row.addProperty("case_number", told.getCaseNo());
            row.addProperty("version", told.getVersion());
            row.addProperty("replayed", false);
        } else {
            row.addProperty("problem", "code_" + told.getCode());
            row.addProperty("detail", told.getMessage());
        }
        write(row + "\n");
    }

    private JsonObject of(String what, Letter letter) {
        JsonObject row = row(what);
        row.addProperty("via", "soap");
        row.addProperty("letter_id", letter.id());
        row.addProperty("contract", letter.contract());
        row.addProperty("case_number", letter.caseNumber());
        row.addProperty("sequence", letter.sequence());
        return row;
    }

    private JsonObject row(String what) {
        JsonObject row = new JsonObject();
        row.addProperty("at", Instant.now().toString());
        row.addProperty("what", what);
        row.addProperty("unit", unit);
        return row;
    }

    private void write(String rows) {
        try {
            ByteBuffer bytes = ByteBuffer.wrap(rows.getBytes(StandardCharsets.UTF_8));
            while (bytes.hasRemaining()) {
                file.write(bytes);
            }
            file.force(false);
        } catch (IOException fault) {
            throw new UncheckedIOException(fault);
        }
    }
}
