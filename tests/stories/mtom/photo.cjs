// node's `soap` with the photo as a part beside the envelope.
const fs = require('fs');
const soap = require('soap');

async function main() {
  const { CITYHUB_URL, CITYHUB_UNIT, CITYHUB_KEY } = process.env;
  const hub = await soap.createClientAsync(`${CITYHUB_URL}/soap/v1?wsdl`);
  hub.setSecurity(new soap.WSSecurity(CITYHUB_UNIT, CITYHUB_KEY, { passwordType: 'PasswordText' }));
  const content = { 'xop:Include': { attributes: { 'xmlns:xop': 'http://www.w3.org/2004/08/xop/include', href: 'cid:photo-1' } } };
  const attachments = [{ mimetype: 'image/png', contentId: 'photo-1', name: 'after.png', body: fs.readFileSync('after.png') }];
  const [{ photo }] = await hub.sendPhotoAsync({ content }, { attachments, forceMTOM: true });
  // A call that has no part still comes as a package where the stack was told so.
  await hub.fetchLettersAsync({ limit: 1 }, { forceMTOM: true });
  console.log(photo.attachment_id);
}

main();
