<?php
// The water company's office: starts its service, works on what that took, and tells the hub in the company's own words:
// GBK XML in a string of its own SOAP, called by PHP's SoapClient.
declare(strict_types=1);

require __DIR__ . '/gbk.php';
require __DIR__ . '/journal.php';

const HOST = '127.0.0.1';
const LOOK_MICROSECONDS = 100_000;
const ZONE = '+08:00';

/** City time, as the hub told it once. */
final class CityTime
{
    private function __construct(private readonly float $city, private readonly float $rate, private readonly float $told)
    {
    }

    public static function ask(string $url, string $key): self
    {
        $context = stream_context_create(['http' => ['header' => "Authorization: Bearer $key"]]);
        $told = json_decode(file_get_contents("$url/api/v1/clock", context: $context), flags: JSON_THROW_ON_ERROR);
        return new self((float) (new DateTimeImmutable($told->now))->format('U.u'), (float) $told->rate, microtime(true));
    }

    /** Seconds of the city since 1970. */
    public function now(): float
    {
        return $this->city + (microtime(true) - $this->told) * $this->rate;
    }
}

/** What is to be said of one order, and when: [city seconds, kind of reply]. */
function plan(int $seed, string $unit, array $order, float $now): array
{
    $draw = fn (string $what): float => hexdec(substr(hash('sha256', implode('/', [
        $seed, $unit, $order['number'], $order['round'], $order['kind'], $order['address'], $what,
    ])), 0, 8)) / 2 ** 32;
    $first = $order['number'] === 1 && $order['round'] === 1;
    if ($first && $draw('back') < 0.1) {
        return [[$now + 30 * 60, 'BACK']];
    }
    $left = strtotime($order['due'] . ZONE) - $now;
    $finish = min(60 * ($first ? 40 + $draw('long') * 90 : 20 + $draw('long') * 25), max($left * 0.6, 300));
    return [[$now + min(60 * (4 + $draw('quick') * 16), $finish / 2), 'SIGN'], [$now + $finish, 'FINISH']];
}

/** The company's own reply. */
function reply(string $id, string $kind, string $case_number, array $order, float $now): string
{
    $time = (new DateTimeImmutable('@' . (int) $now))->setTimezone(new DateTimeZone(ZONE))->format('Y-m-d H:i:s');
    $more = match ($kind) {
        'FINISH' => "<RESULT>已修复</RESULT><CONTENT>{$order['kind_name']}已处置完毕</CONTENT><DONETIME>$time</DONETIME>",
        'BACK' => '<REASON>1</REASON><CONTENT>经现场核实,不属本单位权属</CONTENT>',
        'SIGN' => '',
    };
    return "<?xml version=\"1.0\" encoding=\"GBK\"?><REPLY id=\"$id\" type=\"$kind\" time=\"$time\">"
        . "<TASKNUM>$case_number</TASKNUM>$more<WORKER>抢修二班</WORKER></REPLY>";
}

const STEPS = ['SIGN' => 'acknowledgement', 'FINISH' => 'feedback', 'BACK' => 'return'];
const DONE = '0';
const LATER = '5';

/** Say it, and note the answer; false where it must be said again, the same to the byte. */
function say(SoapClient $hub, Journal $journal, string $unit, array $task): bool
{
    try {
        $told = read_gbk($hub->Notify(['xml' => $task['xml']])->NotifyResult);
    } catch (SoapFault) {
        return false;
    }
    if ((string) $told->CODE === LATER) {
        return false;
    }
    $row = ['unit' => $unit, 'message_id' => $task['id'], 'kind' => 'case.' . STEPS[$task['kind']], 'by' => 'inbound'];
    $journal->write((string) $told->CODE === DONE ? [
        'what' => 'message.sent',
        ...$row,
        'case_number' => (string) $told->TASKNUM,
        'version' => (int) $told->VER,
        'replayed' => false,
    ] : ['what' => 'message.refused', ...$row, 'problem' => (string) $told->KIND, 'detail' => (string) $told->MSG]);
    return true;
}

function start_service(int $port, string $unit, string $journal): mixed
{
    // Whoever ends this process, the kernel ends the service with it.
    $guarded = is_executable('/usr/bin/setpriv') ? ['/usr/bin/setpriv', '--pdeathsig', 'KILL', '--'] : [];
    $command = [...$guarded, PHP_BINARY, '-S', HOST . ":$port", __DIR__ . '/service.php'];
    $environment = [...getenv(), 'WATER_UNIT' => $unit, 'WATER_JOURNAL' => $journal];
    $service = proc_open($command, [['file', '/dev/null', 'r'], STDERR, STDERR], $pipes, null, $environment);
    register_shutdown_function(fn () => proc_terminate($service));
    return $service;
}

// A port that is ours until the service takes it.
$held = stream_socket_server('tcp://' . HOST . ':0');
$port = (int) substr(strrchr(stream_socket_get_name($held, false), ':'), 1);
echo json_encode(['ready' => true, 'port' => $port]), "\n";
$line = fgets(STDIN);
if ($line === false) {
    exit;
}
$config = json_decode($line, true, flags: JSON_THROW_ON_ERROR);
[$access] = $config['units'];
$unit = $access['unit_id'];
$journal = new Journal($config['journal']);
$clock = CityTime::ask($config['url'], $access['key']);
fclose($held);
$service = start_service($port, $unit, $config['journal']);

$address = "{$config['url']}/units/$unit/in";
$hub = new SoapClient("$address?wsdl", [
    'location' => $address,
    'login' => $access['own']['user'],
    'password' => $access['own']['password'],
    'cache_wsdl' => WSDL_CACHE_NONE,
    'connection_timeout' => 10,
]);

/** What is still to be said: when, what, about which case. */
$agenda = [];
$place = 0;
stream_set_blocking(STDIN, false);
// Whoever started this process holds the other end of its input: it ends with them, however they end.
while (!feof(STDIN) && proc_get_status($service)['running']) {
    fgets(STDIN);
    [$rows, $place] = $journal->after($place);
    foreach ($rows as $row) {
        $case_number = $row['case_number'] ?? '';
        if ($row['what'] !== 'letter.taken') {
            continue;
        }
        if ($row['contract'] === 'case.recall_notice') {
            $agenda = array_filter($agenda, fn (array $task) => $task['case_number'] !== $case_number);
        }
        $order = $row['order'] ?? null;
        foreach ($order ? plan($config['seed'], $unit, $order, $clock->now()) : [] as [$at, $kind]) {
            $id = strtolower("$kind-$case_number-{$order['number']}-{$order['round']}");
            $agenda[$id] = ['at' => $at, 'id' => $id, 'kind' => $kind, 'case_number' => $case_number, 'order' => $order];
        }
    }
    foreach ($agenda as $id => $task) {
        if ($task['at'] > $clock->now()) {
            continue;
        }
        $agenda[$id]['xml'] ??= reply($id, $task['kind'], $task['case_number'], $task['order'], $clock->now());
        if (say($hub, $journal, $unit, $agenda[$id])) {
            unset($agenda[$id]);
        }
    }
    usleep(LOOK_MICROSECONDS);
}
