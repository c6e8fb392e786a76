// How a unit in node speaks to the hub over SOAP: the hub's own WSDL, read by node's `soap`, as any partner would.
'use strict';

const soap = require('soap');

const OPERATIONS = { acknowledgement: 'acknowledge', return: 'returnDispatch', feedback: 'feedback' };
const TRIES = 20;
const PAUSE_MS = 300;

/** A client whose `send` answers {case_number, version, position}, or {problem} where the hub refuses for good. */
async function hubBySoap(url, { unit_id: unit, key }) {
  const client = await soap.createClientAsync(`${url}/soap/v1?wsdl`, { endpoint: `${url}/soap/v1` });
  client.setSecurity(new soap.WSSecurity(unit, key, { passwordType: 'PasswordText', hasTimeStamp: false }));
  return {
    async send(kind, caseNumber, messageId, data) {
      const call = client[`${OPERATIONS[kind]}Async`].bind(client);
      for (let again = 1; ; again += 1) {
        try {
          const [said] = await call({ envelope: { message_id: messageId }, case_number: caseNumber, data });
          return said.receipt;
        } catch (fault) {
          const problem = problemOf(fault);
          if (problem && problem.retryable !== 'true' && problem.retryable !== true) {
            return { problem: String(problem.type).split('/').pop(), detail: problem.detail };
          }
          if (again === TRIES) throw fault;
          // The same message to the byte, under the same id: whatever became of the first, its effect happens once.
          await new Promise((over) => setTimeout(over, PAUSE_MS));
        }
      }
    },
  };
}

/** The problem in a fault's detail; undefined where the call itself failed. */
function problemOf(fault) {
  const told = fault.root?.Envelope?.Body?.Fault;
  return (told?.detail ?? told?.Detail)?.problem;
}

module.exports = { hubBySoap };
