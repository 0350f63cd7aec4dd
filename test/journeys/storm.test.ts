/** A thousand events while the hub dies three times and their producer once: nothing lost, nothing twice, in order. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { noteLines, noteOf } from '../support/drafts.ts'
import type { Document, Program } from '../support/program.ts'
import { until } from '../support/program.ts'
import { TestHub, TestMachine } from '../support/test-machine.ts'
import type { HubRow, Project } from '../support/test-machine.ts'

const EVENTS = 1_000
const HUB_KILLS = 3
/** Lines that the first producer gets before it is killed over one part more. */
const PRODUCER_KILL = 600
/** Lines that the first producer gets at a time. */
const PART = 50

type Receipt = Document & { readonly event_id: string; readonly lamport_clock: number }
type Sent = { readonly producer: string; readonly step: number }

const machine = new TestMachine()
afterAll(() => machine.close())

let project: Project
let link: Program
let hub: TestHub
let rows: HubRow[]
let receipts: { readonly first: readonly Receipt[]; readonly second: readonly Receipt[] }

beforeAll(async () => {
  project = await machine.project('seabird')
  hub = await new TestHub(machine).start()
  await hub.login(project.root)
  link = await machine.link(project.root)
  const first = await produceUntilKilled()
  const second = await produceRest(first.length)
  receipts = { first, second }
  await until('all events are at the hub', async () => {
    const { code } = await machine.run(project.root, ['sync', 'now', '--timeout', '20'])
    return code === 0
  })
  rows = await hub.rows('event', project.uuid)
})

describe('a thousand events in a storm', () => {
  it('kill the hub three times, and the producer in mid-stream', () => {
    expect(link.isUp).toBe(true)
    expect(link.documents.filter(({ state }) => state === 'live').length).toBeGreaterThan(HUB_KILLS)
    expect(receipts.first.length).toBeGreaterThan(PRODUCER_KILL)
    expect(receipts.first.length + receipts.second.length).toBe(EVENTS)
  })

  it('are all receipted as durable, whether the link was up or not (L2)', () => {
    const all = [...receipts.first, ...receipts.second]
    expect(all.filter(({ durable }) => durable !== true)).toEqual([])
    expect(new Set(all.map(({ route }) => route))).toEqual(new Set(['live', 'queued']))
  })

  it('are at the hub exactly once, each that has a receipt (L2, L3)', () => {
    const ids = rows.map(({ event }) => event['event_id'])
    expect(new Set(ids).size).toBe(ids.length)
    const held = new Set(ids)
    const lost = [...receipts.first, ...receipts.second].filter(
      ({ event_id }) => !held.has(event_id),
    )
    expect(lost).toEqual([])
  })

  it('are at the hub at most once where the producer died before their receipt', () => {
    const counts = new Map<string, number>()
    for (const { producer, step } of rows.map(sentOf)) {
      const key = `${producer} ${step}`
      counts.set(key, (counts.get(key) ?? 0) + 1)
    }
    expect(Math.max(...counts.values())).toBe(1)
    // What was not receipted is what the first producer had in its hands: less than one part.
    const unreceipted = rows.length - EVENTS
    expect(unreceipted).toBeGreaterThanOrEqual(0)
    expect(unreceipted).toBeLessThan(PART)
  })

  it('come in the order of the clock, and of their lines (L3, L10)', () => {
    const clocks = rows.map(({ event }) => event['lamport_clock'])
    expect(clocks).toEqual(rows.map((_, at) => at + 1))
    for (const producer of ['first', 'second']) {
      const steps = rows.map(sentOf).filter((sent) => sent.producer === producer)
      expect(steps.map(({ step }) => step)).toEqual(
        steps.map((_, at) => at + (producer === 'first' ? 0 : receipts.first.length)),
      )
    }
    for (const { event_id, lamport_clock } of receipts.first) {
      expect(rows[lamport_clock - 1]?.event['event_id']).toBe(event_id)
    }
  })

  it('are all delivered by the outbox, and nothing else is in it', async () => {
    const { counts } = await machine.ok(project.root, ['queue', 'stats'])
    expect(counts).toEqual({
      pending: 0,
      inflight: 0,
      delivered: rows.length,
      quarantined: 0,
      held: 0,
      superseded: 0,
    })
  })
})

/** Feeds a producer part by part; on the way the hub is killed and comes back, at last the producer is killed. */
async function produceUntilKilled(): Promise<readonly Receipt[]> {
  const producer = machine.start(project.root, ['emit', '--batch', '-'])
  let fed = 0
  const feed = async (awaited: number): Promise<void> => {
    producer.child.stdin?.write(`${linesOf('first', fed, fed + PART)}\n`)
    const receipted = fed + awaited
    fed += PART
    await until('the producer goes on', () => producer.documents.length >= receipted)
  }
  for (let kill = 0; kill < HUB_KILLS; kill++) {
    await feed(PART)
    // Killed with the events of this part on their way to it, and away while the next part is recorded.
    await feed(1)
    await killHub(() => feed(PART))
  }
  while (fed < PRODUCER_KILL) await feed(PART)
  await feed(1)
  await producer.end('SIGKILL')
  return receiptsOf(producer.documents)
}

/** The hub dies while the link is live, and comes back on the same port with the same data. */
async function killHub(meanwhile: () => Promise<void>): Promise<void> {
  const before = link.documents.length
  await hub.kill()
  await link.saw(({ state }) => state === 'backingOff', before)
  await meanwhile()
  await hub.start()
  await link.saw(({ state }) => state === 'live', before)
}

async function produceRest(from: number): Promise<readonly Receipt[]> {
  const lines = linesOf('second', from, EVENTS)
  const { code, documents } = await machine.run(project.root, ['emit', '--batch', '-'], lines)
  expect(code).toBe(0)
  return receiptsOf(documents)
}

function receiptsOf(documents: readonly Document[]): readonly Receipt[] {
  return documents.map((document) => document as Receipt)
}

function linesOf(producer: string, from: number, to: number): string {
  return noteLines(Array.from({ length: to - from }, (_, at) => `${producer} ${from + at}`))
}

function sentOf({ event }: HubRow): Sent {
  const [producer = '', step = ''] = noteOf(event).split(' ')
  return { producer, step: Number(step) }
}
