// Durable queues of others at the same concurrency, each set so that a power cut loses nothing of what it answered for.
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { createRuntime } from '#dist/index.js'
import { inTurn, notRun, row, timed } from './measure.mjs'
import { loadPeer } from './peer-packages.mjs'
import { draft, inFolder, openProject } from './project.mjs'
import { RedisProcess } from './redis-process.mjs'

/** Awaiting producers. */
const IN_FLIGHT = [1, 64]
const SIZES = { whole: { rounds: 5, forMs: 700 }, short: { rounds: 1, forMs: 50 } }
/** So long as an event of ours is when it is stored. */
const TEXT = 'x'.repeat(600)
const REDIS = ['ioredis@6.0.0']
const SILENT = { error: () => {}, warn: () => {}, info: () => {}, debug: () => {} }

/** By name: the packages, and what opens it in a folder, which answers what adds a text durably and what closes it. */
const PEERS = {
  'lmdb, flushed': {
    packages: ['lmdb@3.5.6'],
    open: async (load, { folder }) => {
      const { open } = await load('lmdb')
      const store = open({ path: join(folder, 'lmdb'), separateFlushed: true })
      let key = 0
      const add = async () => {
        const stored = store.put((key += 1), TEXT)
        await stored
        await stored.flushed
      }
      return { add, close: () => store.close() }
    },
  },
  'Redis XADD, AOF always': {
    packages: REDIS,
    needsRedis: true,
    open: async (load, { redis }) => {
      const { Redis } = await load('ioredis')
      const client = new Redis({ path: redis.path, enableAutoPipelining: true })
      const add = () => client.xadd('events', '*', 'body', TEXT)
      return { add, close: () => client.quit() }
    },
  },
  'BullMQ, AOF always': {
    packages: ['bullmq@6.7.0', ...REDIS],
    needsRedis: true,
    open: async (load, { redis }) => {
      const { Queue } = await load('bullmq')
      const queue = new Queue('events', { connection: { path: redis.path } })
      await queue.waitUntilReady()
      return { add: () => queue.add('event', TEXT), close: () => queue.close() }
    },
  },
  'plainjob, FULL': {
    packages: ['plainjob@0.0.14'],
    open: async (load, { folder }) => {
      const { better, defineQueue } = await load('plainjob')
      const connection = better(new Database(join(folder, 'plainjob.db')))
      const queue = defineQueue({ connection, logger: SILENT, serializer: (text) => text })
      connection.pragma('synchronous = FULL')
      return { add: async () => queue.add('event', TEXT), close: () => queue.close() }
    },
  },
}

export async function rows(isShort) {
  const { rounds, forMs } = isShort ? SIZES.short : SIZES.whole
  return inFolder(async (folder) => {
    const { root, state } = await openProject(folder)
    const redis = await RedisProcess.start(join(folder, 'redis'), { mayInstall: !isShort })
    const runtime = await createRuntime({ root, stateDirectory: state, link: 'manual' })
    const { peers, reasons } = await openPeers({ folder, redis, mayInstall: !isShort })
    try {
      const found = []
      for (const inFlight of IN_FLIGHT) {
        const contestants = { ours: { add: (at) => runtime.emit(draft(at)) }, ...peers }
        const works = Object.fromEntries(
          Object.entries(contestants).map(([name, { add }]) => [
            name,
            () => perSecond({ forMs, inFlight, add }),
          ]),
        )
        const { ours, ...theirs } = await inTurn({ rounds }, works)
        const figure = `durable emit, API, ${inFlight} in flight`
        for (const [name, base] of Object.entries(theirs)) {
          found.push(row({ figure, beside: name, unit: 'events/s', ours, base, least: 1 }))
        }
        for (const [name, reason] of Object.entries(reasons)) {
          found.push(notRun(figure, name, reason))
        }
      }
      return found
    } finally {
      for (const peer of Object.values(peers)) await peer.close()
      await runtime.stop()
      await redis.end()
    }
  })
}

async function openPeers({ folder, redis, mayInstall }) {
  const [peers, reasons] = [{}, {}]
  for (const [name, { packages, needsRedis = false, open }] of Object.entries(PEERS)) {
    try {
      if (needsRedis && redis.reason !== null) throw new Error(redis.reason)
      peers[name] = await open(await loadPeer(packages, { mayInstall }), { folder, redis })
    } catch (error) {
      reasons[name] = error.message.split('\n')[0]
    }
  }
  return { peers, reasons }
}

// By time and not by count, since they are of very different speed.
async function perSecond({ forMs, inFlight, add }) {
  let events = 0
  const until = performance.now() + forMs
  const produce = async () => {
    while (performance.now() < until) await add((events += 1))
  }
  const ms = await timed(() => Promise.all(Array.from({ length: inFlight }, produce)))
  return events / (ms / 1_000)
}
