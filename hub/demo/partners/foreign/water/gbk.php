<?php
// XML in GBK that travels as a string: characters on the way, bytes of GBK again before anybody can read it.
declare(strict_types=1);

/** Throws InvalidArgumentException where it is none. */
function read_gbk(string $text): SimpleXMLElement
{
    $bytes = iconv('UTF-8', 'GBK', $text);
    $read = $bytes === false ? false : simplexml_load_string($bytes, options: LIBXML_NONET);
    return $read instanceof SimpleXMLElement ? $read : throw new InvalidArgumentException('XML 格式错误');
}
