// Durable queues of others at the same concurrency, where somebody has installed them: they are no dependency of ours.
import { join } from 'node:path'
import { createRuntime } from '#dist/index.js'
import { inTurn, notRun, row, timed } from './measure.mjs'
import { draft, inFolder, openProject } from './project.mjs'

const IN_FLIGHT = 64
const FIGURE = `durable emit, API, ${IN_FLIGHT} in flight`

/** By name: opens it in a folder, and answers what adds one text durably and what closes it. */
const PEERS = {
  lmdb: ({ open }, folder) => {
    const store = open({ path: join(folder, 'lmdb') })
    let key = 0
    return { add: (text) => store.put((key += 1), text), close: () => store.close() }
  },
}
const ABSENT = {
  plainjob: 'no bench of it yet',
  'Redis XADD, AOF always': 'no server of it is started here',
  BullMQ: 'no server of it is started here',
}

export async function rows(isShort) {
  const [rounds, events] = isShort ? [1, 128] : [5, 20_480]
  const found = []
  for (const [name, openPeer] of Object.entries(PEERS)) {
    const library = await import(name).catch(() => null)
    if (library === null) found.push(notRun(FIGURE, name, 'it is not installed'))
    else found.push(await beside(name, { openPeer, library, rounds, events }))
  }
  for (const [name, reason] of Object.entries(ABSENT)) found.push(notRun(FIGURE, name, reason))
  return found
}

function beside(name, { openPeer, library, rounds, events }) {
  return inFolder(async (folder) => {
    const { root, state } = await openProject(folder)
    const runtime = await createRuntime({ root, stateDirectory: state, link: 'manual' })
    const peer = openPeer(library, folder)
    const text = 'x'.repeat(600)
    const found = await inTurn(
      { rounds },
      {
        base: () => perSecond(events, () => peer.add(text)),
        ours: () => perSecond(events, (at) => runtime.emit(draft(at))),
      },
    )
    await peer.close()
    await runtime.stop()
    return row({ figure: FIGURE, beside: name, unit: 'events/s', ...found, least: 1 })
  })
}

async function perSecond(events, add) {
  let at = 0
  const produce = async () => {
    while (at < events) {
      at += 1
      await add(at)
    }
  }
  const ms = await timed(() => Promise.all(Array.from({ length: IN_FLIGHT }, produce)))
  return events / (ms / 1_000)
}
