// Appends batches until it is killed; prints an event's id and clock once, after its commit.
// Arguments: database, project uuid, node id, prefix of the ids (5 characters).
import { writeSync } from 'node:fs'

import { encodeJson } from '#dist/contracts/json/json.js'
import { Outbox } from '#dist/workers/store/outbox.js'

const [path, uuid, nodeId, prefix] = process.argv.slice(2)
const outbox = Outbox.open({
  path,
  owner: { kind: 'project', uuid },
  nodeId,
  busyTimeoutMs: 30_000,
})
for (let number = 0; ;) {
  const batch = Array.from({ length: 1 + (number % 4) }, () => {
    const id = `${prefix}${String(number++).padStart(21, '0')}`
    return encodeJson({
      event_id: id,
      event_type: 'HistoryAdded',
      lamport_clock: 0,
      node_id: nodeId,
      payload: { number },
      project_uuid: uuid,
    })
  })
  const [answer] = outbox.appendAll([batch])
  if (answer instanceof Error) throw answer
  const lines = answer.receipts.map((receipt) => `${receipt.event_id} ${receipt.lamport_clock}\n`)
  writeSync(1, lines.join(''))
}
