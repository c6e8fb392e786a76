// A broadcaster with a broker of its own (广电): the hub connects out to it. Orders and reports are JSON in its own words.
'use strict';

const { Line } = require('./amqp.cjs');
const { CityTime, Mailroom, Work, run, sentRow, refusedRow } = require('./partner.cjs');

const COMMANDS = { REPAIR: 'case.dispatch', CANCEL: 'case.recall_notice', NOTE: 'notice' };
const REPORTS = { acknowledgement: 'GOT', return: 'NOT_OURS', feedback: 'FIXED' };
const REPORTED_TO = 'szcg.reports';

function orderOf(told) {
  return {
    caseNumber: told.case,
    number: told.nth,
    round: told.again,
    kind: told.kind,
    kindName: told.kindName,
    address: told.where ?? '',
    due: told.until * 1000,
  };
}

async function play({ config, access, clock, journal }) {
  const unit = access.unit_id;
  const mailroom = new Mailroom(unit, 'rabbitmq', journal);
  const heed = ({ content }) => {
    const told = JSON.parse(content);
    const letter = { id: told.uid, contract: COMMANDS[told.cmd], caseNumber: told.case, sequence: Number(told.serial) };
    if (!mailroom.arrived(letter)) return;
    if (told.cmd === 'REPAIR') work.begin(orderOf(told));
    if (told.cmd === 'CANCEL') work.recall(told.case);
  };

  const answer = async (kind, order, messageId) => {
    const report = {
      report: REPORTS[kind],
      ref: messageId,
      case: order.caseNumber,
      text: kind === 'return' ? '不属广电设施' : `${order.kindName}已修复`,
      crew: '广电网络抢修组',
      at: CityTime.written(clock.now()),
    };
    const properties = { contentType: 'application/json', messageId };
    const told = await line.ask('', REPORTED_TO, Buffer.from(JSON.stringify(report)), properties);
    const row = told.case_number ? sentRow : refusedRow;
    journal.write({ ...row(unit, kind, messageId, told), by: 'rabbitmq' });
    return Boolean(told.case_number);
  };

  const work = new Work({ unit, seed: config.seed, clock, answer });
  const line = await Line.open(access.own.amqp, access.own.queue, heed);
}

run({ play });
