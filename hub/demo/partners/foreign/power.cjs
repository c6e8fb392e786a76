// The power bureau (电力局): a SOAP service of its own on node's `soap`, WS-Security UsernameToken with a digest.
// It is sometimes too busy, and says so with 200 and a code inside; it answers the hub over SOAP too.
'use strict';

const fs = require('node:fs');
const http = require('node:http');
const path = require('node:path');
const soap = require('soap');
const { Mailroom, Work, chance, refusedRow, run, sentRow } = require('./partner.cjs');
const { bodyOf } = require('./words.cjs');
const { hubBySoap } = require('./hub_soap.cjs');

const WSDL = fs.readFileSync(path.join(__dirname, '..', '..', 'profiles', 'power.wsdl'), 'utf8');
const TAKEN = { code: '0', message: '已受理' };
const BUSY = { code: 'E01', message: '系统繁忙,请稍后再试' };
const RECALL = '撤回';

const server = http.createServer((_, response) => response.writeHead(404).end());
let bureau = null;

/** What the bureau is made of, once it was told its part. */
class Bureau {
  constructor({ config, access, mailroom, work }) {
    Object.assign(this, { config, access, mailroom, work, seen: new Set() });
  }

  take(letter, begin) {
    const first = !this.seen.has(letter.id);
    this.seen.add(letter.id);
    const mood = first ? chance(this.config.seed, 'busy', letter.caseNumber, letter.sequence) : 1;
    if (mood < 0.1) return BUSY;
    if (this.mailroom.arrived(letter)) begin();
    // The worse kind of busy: it has the letter, and says that it has not.
    return mood < 0.2 ? BUSY : TAKEN;
  }

  trusts({ Username, Password, Nonce, Created }) {
    const told = Password?.$value ?? Password;
    const wanted = soap.passwordDigest(Nonce?.$value ?? Nonce, Created, this.access.own.password);
    return Username === this.access.own.user && told === wanted;
  }
}

function letterOf(contract, said) {
  return { id: said.msgId, contract, caseNumber: said.caseNo, sequence: Number(said.serial) };
}

function orderOf(said) {
  return {
    caseNumber: said.caseNo,
    number: Number(said.orderSeq),
    round: Number(said.round),
    kind: said.kindCode,
    kindName: said.kindName,
    address: said.address ?? '',
    due: new Date(said.finishBefore).getTime(),
  };
}

const service = {
  WorkOrderService: {
    WorkOrder: {
      CreateWorkOrder: (said) =>
        bureau.take(letterOf('case.dispatch', said), () => bureau.work.begin(orderOf(said))),
      Notify: (said) =>
        bureau.take(letterOf(said.topic === RECALL ? 'case.recall_notice' : 'notice', said), () => said.topic === RECALL && bureau.work.recall(said.caseNo)),
    },
  },
};

async function listen() {
  await new Promise((up) => server.listen(0, '127.0.0.1', up));
  const served = soap.listen(server, '/workorder', service, WSDL);
  // Until it knows its part it trusts nobody, and nobody calls it.
  served.authenticate = (security) => Boolean(bureau && security?.UsernameToken && bureau.trusts(security.UsernameToken));
  return server.address().port;
}

async function play({ config, access, clock, journal }) {
  const hub = await hubBySoap(config.url, access);
  const answer = async (kind, order, messageId) => {
    const told = await hub.send(kind, order.caseNumber, messageId, bodyOf(kind, order, access.name_zh));
    const row = told.case_number ? sentRow : refusedRow;
    journal.write({ ...row(access.unit_id, kind, messageId, told), by: 'soap' });
    return Boolean(told.case_number);
  };
  const work = new Work({ unit: access.unit_id, seed: config.seed, clock, answer });
  bureau = new Bureau({ config, access, mailroom: new Mailroom(access.unit_id, 'soap', journal), work });
}

run({ listen, play });
