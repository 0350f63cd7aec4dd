// What hubs take in that share a log, beside a client that publishes the same bytes to the same server and does nothing else.
import { join } from 'node:path'
import { jetstream, jetstreamManager } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import { setTimeout as sleep } from 'node:timers/promises'
import { findNatsServer } from '../scripts/nats-server.mjs'
import { NatsProcess } from '../scripts/nats-process.mjs'
import { body, connectAll } from './hub.mjs'
import { serve } from './hub-child.mjs'
import { inTurn, notRun, row, timed } from './measure.mjs'
import { inFolder } from './project.mjs'

const SIZES = {
  whole: { rounds: 3, events: 3_200, hubs: [1, 3], publishers: [1, 20], subscribers: 10 },
  short: { rounds: 1, events: 128, hubs: [1, 2], publishers: [1, 2], subscribers: 1 },
}
const BESIDE = 'JetStream publish, one message an event'
const PROJECT = '6f2b8c1e-3d4a-4f5b-8c6d-7e8f9a0b1c2d'
const QUIET = '0d5e9f7a-1b2c-4d3e-8f4a-5b6c7d8e9f0a'
/** Messages that wait for their answer. */
const IN_FLIGHT = 512

export function rows(isShort) {
  const sizes = isShort ? SIZES.short : SIZES.whole
  const program = findNatsServer()
  if (program === null) return [notRun('ingest of hubs on NATS', BESIDE, 'there is no nats-server')]
  return inFolder(async (folder) => {
    const server = await NatsProcess.start({ program, folder: join(folder, 'nats') })
    const raw = await openRaw(server.url)
    const hubs = []
    try {
      const found = []
      for (const count of sizes.hubs) {
        while (hubs.length < count) hubs.push(await oneMore(folder, server.url, hubs))
        for (const publishers of sizes.publishers) {
          found.push(await ingest({ ...sizes, hubs, raw, publishers }))
        }
      }
      return found
    } finally {
      for (const hub of hubs) await hub.end()
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
  const spread = async (count) => {
    const links = []
    for (let at = 0; at < count; at += 1) {
      links.push(...(await connectAll(hubs[at % hubs.length], 1)))
    }
    return links
  }
  const [senders, readers] = [await spread(publishers), await spread(subscribers)]
  const share = Math.ceil(events / publishers)
  const bodies = () => senders.map(() => Array.from({ length: share }, body))
  await senders[0].sendEvents([body(), body().replace(PROJECT, QUIET)])
  for (const reader of readers) await reader.follow(PROJECT)
  // Whoever follows nothing is shown all that its team sends.
  for (const sender of senders) await sender.follow(QUIET)
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
  for (const link of [...senders, ...readers]) link.close()
  const figure = `ingest of ${hubs.length} hubs on NATS, ${publishers} publishers, ${subscribers} subscribers`
  return row({ figure, beside: BESIDE, unit: 'events/s', ...found })
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
