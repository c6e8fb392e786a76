<?php
// The water company (水司): an .asmx-style service on PHP's SoapServer. One operation takes GBK XML as a string, and
// answers 200 with a result in a string, whatever happens.
declare(strict_types=1);

require __DIR__ . '/gbk.php';
require __DIR__ . '/journal.php';

function result(string $code, string $said): array
{
    $xml = "<?xml version=\"1.0\" encoding=\"GBK\"?><RESULT><CODE>$code</CODE><MSG>$said</MSG></RESULT>";
    return ['SubmitCaseResult' => $xml];
}

final class CaseService
{
    public function __construct(private readonly string $unit, private readonly Journal $journal)
    {
    }

    public function SubmitCase(object $call): array
    {
        try {
            $case = read_gbk($call->xml ?? '');
            $order = $case->getName() === 'CASE' ? $this->order($case) : null;
        } catch (InvalidArgumentException $fault) {
            return result('9', $fault->getMessage());
        }
        $letter = [
            'unit' => $this->unit,
            'via' => 'soap',
            'letter_id' => (string) $case['id'],
            'contract' => (string) $case['type'],
            'case_number' => (string) $case->TASKNUM,
            'sequence' => (int) $case['serial'],
        ];
        $this->journal->arrived($letter, $order ? ['order' => $order] : []);
        return result('0', '成功');
    }

    private function order(SimpleXMLElement $case): array
    {
        return [
            'number' => (int) $case->TASKSEQ,
            'round' => (int) $case->TIMES,
            'kind' => (string) $case->TYPECODE,
            'kind_name' => (string) $case->TYPENAME,
            'address' => (string) $case->LOC->ADDR,
            'due' => (string) $case->DEADLINE,
        ];
    }
}

if ($_SERVER['REQUEST_METHOD'] !== 'POST') {
    http_response_code(405);
    return;
}
$server = new SoapServer(__DIR__ . '/../../../profiles/water.wsdl', ['cache_wsdl' => WSDL_CACHE_NONE]);
$server->setObject(new CaseService(getenv('WATER_UNIT'), new Journal(getenv('WATER_JOURNAL'))));
$server->handle();
