<?php
// The water company's service on PHP's own SoapServer, by the WSDL of its profile.
class CaseService
{
    public function SubmitCase($call)
    {
        if ($call->sender !== 'SZCG') {
            throw new SoapFault('Client', 'sender');
        }
        // The string is turned into the bytes that it declares, and read from those.
        $case = simplexml_load_string(iconv('UTF-8', 'GBK', $call->xml));
        if ((string) $case->TASKNUM === '') {
            throw new SoapFault('Server', 'TASKNUM');
        }
        $told = json_encode(['text' => (string) $case->CONTENT, 'type' => (string) $case->TYPENAME], JSON_UNESCAPED_UNICODE);
        return ['SubmitCaseResult' =>
            '<?xml version="1.0" encoding="GBK"?><RESULT><CODE>0</CODE><MSG>' . htmlspecialchars($told) . '</MSG></RESULT>'];
    }
}

ini_set('soap.wsdl_cache_enabled', '0');
$server = new SoapServer(getenv('WSDL'));
$server->setClass('CaseService');
$server->handle();
