"""The hub's own SOAP service, described from the contracts: operations, XML Schema, WSDL 1.1. No XML is read here."""
