/**
 * Two projects on one machine under any order of records, decisions, claims, sends, answers, deaths and lost memories of the
 * hub: what is on the wire belongs to a project that consents at that time, and nothing that consent covers is lost.
 */
import * as fc from 'fast-check'
import { expect, it } from 'vitest'

import { outboxPath } from '#dist/project/state-directory.js'
import { ConsentReader } from '#dist/workers/store/consent-reader.js'
import { Keeper } from '#dist/workers/store/keeper.js'
import { Outbox } from '#dist/workers/store/outbox.js'
import { OutboxReader } from '#dist/workers/store/outbox-reader.js'
import {
  HUB,
  NODE,
  OTHER_PROJECT,
  PROJECT,
  append,
  eventOf,
  idOf,
  later,
  serialized,
  temporaryFolder,
} from '../../support/store-fixtures.ts'

type Row = { readonly event_id: string; readonly body: string }

/** One project: what should be true of it, the process that holds its link, another one, and its place at the hub. */
class World {
  readonly uuid: string
  readonly #state: string
  readonly #consent: ConsentReader
  readonly #other: Outbox
  #sender: Outbox
  #grant: number | null = null
  #epoch = 0
  #unsent: readonly Row[] = []
  #sent: string[] = []
  /** What the model says. */
  decision: 'absent' | 'granted' | 'sealing' | 'refused' = 'absent'
  recorded = 0
  readonly covered = new Set<string>()
  /** What the hub has now, and all that ever was on the wire. */
  readonly atHub = new Set<string>()
  readonly wire: string[] = []
  readonly wrong: string[] = []

  constructor(state: string, uuid: string) {
    this.uuid = uuid
    this.#state = state
    this.#other = this.#open()
    this.#sender = this.#open()
    this.#consent = new ConsentReader(state)
    this.connect()
  }

  record(): void {
    const id = idOf(this.recorded++)
    const event = eventOf(this.recorded - 1, { project_uuid: this.uuid })
    append(this.#other, serialized(event))
    if (this.decision === 'granted') this.covered.add(id)
  }

  optIn(fromNow: boolean): void {
    this.#other.grantConsent(fromNow)
    if (this.decision === 'granted') return
    if (this.decision === 'absent' && !fromNow) {
      for (let number = 0; number < this.recorded; number++) this.covered.add(idOf(number))
    } else this.covered.clear()
    this.decision = 'granted'
  }

  freeze(): void {
    this.#other.freezeConsent()
    if (this.decision === 'granted') this.decision = 'sealing'
  }

  optOut(): void {
    this.#other.refuseConsent()
    this.covered.clear()
    this.decision = 'refused'
  }

  importHistory(): void {
    const where = { path: this.#path, owner: this.#owner }
    const reader = OutboxReader.open(where)
    const { hash } = reader.history()
    const held = reader.list({ state: 'held' }).map((row) => row.event_id)
    reader.close()
    const keeper = Keeper.open(where)
    try {
      keeper?.release(hash, 1)
      for (const id of held) this.covered.add(id)
    } catch (error) {
      expect([this.decision, error]).not.toMatchObject(['granted', {}])
    } finally {
      keeper?.close()
    }
  }

  claim(max: number): void {
    this.#unsent = this.#sender.claim(max).rows
  }

  /** As the sender does: consent is asked for each frame. */
  send(count: number): void {
    const frames = this.#unsent.slice(0, count)
    this.#unsent = this.#unsent.slice(count)
    for (const { event_id: id, body } of frames) {
      const isGranted = this.#grant !== null && this.#consent.grant(this.uuid) === this.#grant
      if (!isGranted) continue
      const isRight =
        this.decision === 'granted' && this.covered.has(id) && body.includes(this.uuid)
      if (!isRight) this.wrong.push(id)
      this.wire.push(id)
      this.atHub.add(id)
      this.#sent.push(id)
    }
  }

  answer(count: number): void {
    this.#sender.settle(this.#sent.splice(0, count), [])
  }

  /** The sender dies and another one takes over. */
  crash(): void {
    this.#sender.close()
    this.#sender = this.#open()
    this.connect()
  }

  loseMemory(): void {
    this.atHub.clear()
    this.#epoch += 1
    this.connect()
  }

  connect(): void {
    this.#unsent = []
    this.#sent = []
    this.#sender.target({ ...HUB, epoch: `epoch ${this.#epoch}` })
    this.#grant = this.#consent.grant(this.uuid)
  }

  drain(): void {
    this.connect()
    for (let turn = 0; turn < 100; turn++) {
      this.claim(3)
      if (this.#unsent.length === 0) return
      this.send(3)
      this.answer(3)
    }
    throw new Error('the drain makes no progress')
  }

  close(): void {
    for (const open of [this.#sender, this.#other, this.#consent]) open.close()
  }

  get #path(): string {
    return outboxPath(this.#state, this.uuid)
  }

  get #owner() {
    return { kind: 'project', uuid: this.uuid } as const
  }

  #open(): Outbox {
    return Outbox.open({ path: this.#path, owner: this.#owner, nodeId: NODE })
  }
}

const count = fc.integer({ min: 1, max: 4 })
const step: fc.Arbitrary<[string, (world: World) => void]> = fc.oneof(
  { arbitrary: fc.constant(['record', (world: World) => world.record()] as const), weight: 6 },
  {
    arbitrary: count.map((n) => [`claim ${n}`, (world: World) => world.claim(n)] as const),
    weight: 4,
  },
  {
    arbitrary: count.map((n) => [`send ${n}`, (world: World) => world.send(n)] as const),
    weight: 4,
  },
  {
    arbitrary: count.map((n) => [`answer ${n}`, (world: World) => world.answer(n)] as const),
    weight: 3,
  },
  {
    arbitrary: fc
      .boolean()
      .map((fromNow) => [`opt in ${fromNow}`, (world: World) => world.optIn(fromNow)] as const),
    weight: 3,
  },
  fc.constantFrom(
    ['freeze', (world: World) => world.freeze()] as const,
    ['opt out', (world: World) => world.optOut()] as const,
    ['import', (world: World) => world.importHistory()] as const,
    ['crash', (world: World) => world.crash()] as const,
    ['connect', (world: World) => world.connect()] as const,
    ['lose memory', (world: World) => world.loseMemory()] as const,
  ),
) as fc.Arbitrary<[string, (world: World) => void]>

const steps = fc.array(fc.tuple(fc.boolean(), step), { maxLength: 40 })

it('sends what consent covers, all of it and nothing else (L1, L12)', () => {
  fc.assert(
    fc.property(steps, (list) => {
      const state = temporaryFolder()
      const worlds = [new World(state, PROJECT), new World(state, OTHER_PROJECT)] as const
      later(() => worlds.forEach((world) => world.close()))
      for (const [isFirst, [, act]] of list) act(worlds[isFirst ? 0 : 1])
      for (const world of worlds) {
        if (world.decision === 'granted') world.drain()
        expect(world.wrong).toEqual([])
        if (world.decision !== 'granted') continue
        const missing = [...world.covered].filter((id) => !world.atHub.has(id))
        expect(missing).toEqual([])
      }
    }),
    { numRuns: 40 },
  )
})
