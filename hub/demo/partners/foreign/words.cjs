// What the partners in node say in the contracts' own words.
'use strict';

/** The body of an acknowledgement, a return or a feedback about an order. */
function bodyOf(kind, order, name) {
  const handler = `${name}抢修班`;
  if (kind === 'acknowledgement') return { handler };
  if (kind === 'return') return { reason_code: 'not_responsible', reason: `经现场核实,不属${name}权属` };
  return { description: `${order.kindName}已处置完毕`, final: true, result: 'done', handler };
}

module.exports = { bodyOf };
