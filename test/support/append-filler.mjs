// Appends until it is refused; prints the acknowledged ids, the code of the refusal, and then the code
// of the answer to a batch that needs no space.
// Arguments: database, project uuid, node id.
import { writeSync } from 'node:fs'

import { encodeJson } from '#dist/contracts/json/json.js'
import { Outbox } from '#dist/workers/store/outbox.js'

const [path, uuid, nodeId] = process.argv.slice(2)
const outbox = Outbox.open({ path, owner: { kind: 'project', uuid }, nodeId })
for (let number = 0; ; number++) {
  const event = {
    event_id: `01J${String(number).padStart(23, '0')}`,
    event_type: 'HistoryAdded',
    lamport_clock: 0,
    node_id: nodeId,
    payload: { text: 'x'.repeat(500) },
    project_uuid: uuid,
  }
  const [answer] = outbox.appendAll([[encodeJson(event)]])
  writeSync(1, `${answer.code ?? answer.receipts[0].event_id}\n`)
  if (answer instanceof Error) break
}
const [again] = outbox.appendAll([[]])
writeSync(1, `${again.code ?? 'stored'}\n`)
