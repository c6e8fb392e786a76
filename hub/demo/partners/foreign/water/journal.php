<?php
// The water company's own journal: JSON lines, on the disk before anything follows from them.
declare(strict_types=1);

final class Journal
{
    public function __construct(private readonly string $path)
    {
    }

    /** Append rows and sync them. */
    public function write(array ...$rows): void
    {
        $this->held(fn ($file) => $this->append($file, $rows));
    }

    /** Write an arrival down, and its letter as taken unless it was before; whether it is new. */
    public function arrived(array $letter, array $more): bool
    {
        return $this->held(function ($file) use ($letter, $more): bool {
            $known = array_filter(
                $this->rows($file),
                fn (array $row) => $row['what'] === 'letter.taken' && $row['letter_id'] === $letter['letter_id'],
            );
            $rows = [['what' => 'letter.received', 'repeat' => (bool) $known, ...$letter]];
            if (!$known) {
                $rows[] = ['what' => 'letter.taken', ...$letter, ...$more];
            }
            $this->append($file, $rows);
            return !$known;
        });
    }

    /** The whole rows after a place in the file, and the place after them. */
    public function after(int $place): array
    {
        return $this->held(function ($file) use ($place): array {
            fseek($file, $place);
            $rows = [];
            while (($line = fgets($file)) !== false && str_ends_with($line, "\n")) {
                $rows[] = json_decode($line, true, flags: JSON_THROW_ON_ERROR);
                $place += strlen($line);
            }
            return [$rows, $place];
        });
    }

    private function rows($file): array
    {
        rewind($file);
        $lines = explode("\n", rtrim((string) stream_get_contents($file), "\n"));
        return array_map(fn (string $line) => json_decode($line, true, flags: JSON_THROW_ON_ERROR), array_filter($lines));
    }

    private function append($file, array $rows): void
    {
        fseek($file, 0, SEEK_END);
        foreach ($rows as $row) {
            $made = json_encode(['at' => gmdate('c'), ...$row], JSON_UNESCAPED_UNICODE | JSON_THROW_ON_ERROR);
            fwrite($file, $made . "\n");
        }
        fflush($file);
        fsync($file);
    }

    /** The service and the office are two processes: one at a time. */
    private function held(callable $act): mixed
    {
        $file = fopen($this->path, 'c+');
        flock($file, LOCK_EX);
        try {
            return $act($file);
        } finally {
            fclose($file);
        }
    }
}
