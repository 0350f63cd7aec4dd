// What hubs that share a log take in, beside a client that publishes the same bytes to the same server and does nothing else; and
// what they show to how many, beside a bare server that broadcasts them. Hubs, server and all clients share this machine's
// cores: three hubs show here what sharing costs, and not what three machines bear.
import { join } from 'node:path'
import { jetstream, jetstreamManager } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import { setTimeout as sleep } from 'node:timers/promises'
import { findNatsServer } from '../scripts/nats-server.mjs'
import { NatsProcess } from '../scripts/nats-process.mjs'
import { begin, body, connectPublishers, shown } from './hub.mjs'
import { serve } from './hub-child.mjs'
import { inTurn, notRun, row, timed } from './measure.mjs'
import { inFolder } from './project.mjs'
import { Subscribers } from './subscribers.mjs'

const SIZES = {
  whole: {
    rounds: 3,
    events: 3_200,
    hubs: [1, 2, 3],
    publishers: [1, 20, 100],
    subscribers: 10,
    fanOut: [
      [1, 1],
      [1, 100],
      [1, 1_000],
      [100, 100],
      [100, 1_000],
    ],
    deliveries: 45_000,
    singles: 10,
  },
  short: {
    rounds: 1,
    events: 128,
    hubs: [2],
    publishers: [2],
    subscribers: 1,
    fanOut: [[2, 3]],
    deliveries: 60,
    singles: 2,
  },
}
/** Of each hub. */
const SOCKETS_MAX = 1_000
const BESIDE = 'JetStream publish, one message an event'
const PROJECT = '6f2b8c1e-3d4a-4f5b-8c6d-7e8f9a0b1c2d'
/** Messages that wait for their answer. */
const IN_FLIGHT = 512

export function rows(isShort) {
  const sizes = isShort ? SIZES.short : SIZES.whole
  const program = findNatsServer()
  if (program === null) return [notRun('ingest of hubs on NATS', BESIDE, 'there is no nats-server')]
  return inFolder(async (folder) => {
    const server = await NatsProcess.start({ program, folder: join(folder, 'nats') })
    const raw = await openRaw(server.url)
    const bare = await serve(folder, 'raw')
    const hubs = []
    try {
      const found = []
      for (const count of sizes.hubs) {
        while (hubs.length < count) hubs.push(await oneMore(folder, server.url, hubs))
        for (const publishers of sizes.publishers) {
          found.push(await ingest({ ...sizes, hubs, raw, publishers }))
        }
        for (const [publishers, most] of sizes.fanOut) {
          const subscribers = Math.min(most, SOCKETS_MAX * count - publishers)
          const those = { of: named(hubs), publishers, subscribers }
          found.push(...(await shown({ ours: hubs, base: bare }, { ...sizes, ...those })))
        }
      }
      return found
    } finally {
      for (const hub of [...hubs, bare]) await hub.end()
      await raw.close()
      await server.kill()
    }
  })
}

async function oneMore(folder, servers, hubs) {
  const hub = await serve(join(folder, `hub${hubs.length}`), 'nats', servers)
  // Whoever made the tokens tells the others within half a second.
  const [{ tokens }] = [...hubs, hub]
  for (const token of tokens) {
    const headers = { authorization: `Bearer ${token}` }
    while ((await fetch(`${hub.url}/api/v1/me`, { headers })).status !== 200) await sleep(50)
  }
  return { ...hub, tokens }
}

async function ingest({ hubs, raw, publishers, subscribers, rounds, events }) {
  const senders = await connectPublishers(hubs, publishers)
  await begin(hubs, senders[0], PROJECT)
  const readers = await Subscribers.of(hubs, subscribers, PROJECT)
  const share = Math.ceil(events / publishers)
  const bodies = () => senders.map(() => Array.from({ length: share }, () => body(PROJECT)))
  const found = await inTurn(
    { rounds },
    {
      base: () => perSecond(bodies(), (parts) => raw.publish(parts.flat())),
      ours: () =>
        perSecond(bodies(), (parts) =>
          Promise.all(senders.map((link, at) => link.sendEvents(parts[at]))),
        ),
    },
  )
  for (const link of senders) link.close()
  readers.close()
  const figure = `ingest of ${named(hubs)}, ${publishers} publishers, ${subscribers} subscribers`
  return row({ figure, beside: BESIDE, unit: 'events/s', ...found })
}

function named({ length }) {
  return `${length} ${length === 1 ? 'hub' : 'hubs'} on NATS`
}

async function perSecond(parts, send) {
  const count = parts.flat().length
  return count / ((await timed(() => send(parts))) / 1_000)
}

async function openRaw(servers) {
  const connection = await connect({ servers })
  const manager = await jetstreamManager(connection)
  await manager.streams.add({ name: 'RAW', subjects: ['raw.>'] })
  const client = jetstream(connection)
  return {
    publish: async (texts) => {
      let next = 0
      const one = async () => {
        while (next < texts.length) {
          const at = next++
          await client.publish('raw.event', texts[at])
        }
      }
      await Promise.all(Array.from({ length: IN_FLIGHT }, one))
    },
    close: () => connection.close(),
  }
}
