// node's `soap` on a unit's own WSDL, as the hub gives it out: the photos are parts beside the envelope.
const fs = require('fs');
const soap = require('soap');

async function main() {
  const { HUB_ADDRESS, HUB_USER, HUB_PASSWORD, CASE_NUMBER, MESSAGE_ID } = process.env;
  const security = new soap.BasicAuthSecurity(HUB_USER, HUB_PASSWORD);
  const client = await soap.createClientAsync(`${HUB_ADDRESS}?wsdl`);
  client.setSecurity(security);
  const names = ['before.png', 'after.png'];
  const photos = names.map((name) => ({
    'xop:Include': { attributes: { 'xmlns:xop': 'http://www.w3.org/2004/08/xop/include', href: `cid:${name}` } },
  }));
  const attachments = names.map((name) => ({ mimetype: 'image/png', contentId: name, name, body: fs.readFileSync(name) }));
  const said = { id: MESSAGE_ID, caseNo: CASE_NUMBER, memo: '已修复', pic: photos };
  const [answer] = await client.ReplyAsync(said, { attachments, forceMTOM: true });
  console.log(JSON.stringify(answer));
}

main();
