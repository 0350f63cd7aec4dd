/**
 * The outbox against a model in a few lines: any order of commands, reopenings and second
 * connections.
 */
import { join } from 'node:path'

import * as fc from 'fast-check'
import { expect, it } from 'vitest'

import type { EventState } from '../../../src/workers/store/protocol.ts'
import { Outbox } from '#dist/workers/store/outbox.js'
import {
  NODE,
  PROJECT_OWNER,
  claimedIds,
  idOf,
  later,
  rawDatabase,
  temporaryFolder,
  textOf,
} from '../../support/store-fixtures.ts'

const CAPACITY = 12
const IDS = 20

type Verdict = 'none' | 'delivered' | 'quarantined'
type HubName = 'a' | 'b'
type Row = {
  readonly number: number
  readonly variant: number
  readonly clock: number
  mayLeave: boolean
  isUnderWay: boolean
  /** The hub has answered in this claim. */
  isAnswered: boolean
  /** What the hub has said for good, though it may have forgotten. */
  readonly said: Record<HubName, boolean>
  readonly verdict: Record<HubName, Verdict>
  readonly attempts: Record<HubName, number>
}
type Model = {
  rows: Row[]
  clock: number
  consent: 'absent' | 'granted' | 'refused'
  hub: HubName
  readonly epoch: Record<HubName, number>
}
type Real = { readonly path: string; outbox: Outbox; readonly others: Outbox[] }
type Draft = { readonly number: number; readonly variant: number }
type Command = fc.Command<Model, Real>

function textOfDraft({ number, variant }: Draft) {
  return textOf(number, { payload: { variant } })
}

function stateOf({ hub }: Model, row: Row): EventState {
  const verdict = row.verdict[hub]
  if (verdict !== 'none') return verdict
  if (!row.mayLeave) return 'held'
  return row.isUnderWay ? 'inflight' : 'pending'
}

function statesOf(model: Model, ...states: readonly EventState[]): Row[] {
  return model.rows.filter((row) => states.includes(stateOf(model, row)))
}

function isSettled({ said }: Row): boolean {
  return said.a || said.b
}

function targetOf({ hub, epoch }: Model) {
  return { origin: 'https://hub.example.org', team: hub, epoch: `epoch ${epoch[hub]}` }
}

function release(model: Model): void {
  for (const row of model.rows) row.isUnderWay = false
}

function decide(model: Model, row: Row, verdict: Verdict): void {
  row.verdict[model.hub] = verdict
  row.isUnderWay = false
  row.said[model.hub] = true
}

function open(path: string, model: Model): Outbox {
  const outbox = Outbox.open({ path, owner: PROJECT_OWNER, nodeId: NODE, capacity: CAPACITY })
  outbox.target(targetOf(model))
  release(model)
  return outbox
}

/** What the outbox should answer to one batch; the model is changed as it should be. */
function appendToModel(model: Model, batch: readonly Draft[]): string | readonly number[] {
  const rows = [...model.rows]
  let clock = model.clock
  for (const draft of batch) {
    const known = rows.find((row) => row.number === draft.number)
    if (known !== undefined && known.variant !== draft.variant) return 'EVENT_ID_CONFLICT'
    if (known !== undefined) continue
    clock++
    rows.push({
      ...draft,
      clock,
      mayLeave: model.consent === 'granted',
      isUnderWay: false,
      isAnswered: false,
      said: { a: false, b: false },
      verdict: { a: 'none', b: 'none' },
      attempts: { a: 0, b: 0 },
    })
  }
  const undelivered = rows.filter((row) => !isSettled(row)).length
  if (clock > model.clock && undelivered > CAPACITY) return 'OUTBOX_FULL'
  Object.assign(model, { rows, clock })
  return batch.map(({ number }) => rows.find((row) => row.number === number)?.clock ?? 0)
}

function command(label: string, run: (model: Model, real: Real) => void): Command {
  return {
    check: () => true,
    run(model, real) {
      run(model, real)
      compare(model, real)
    },
    toString: () => label,
  }
}

/**
 * The rows, the counts that are kept, the counts that are counted, all from a connection that did
 * nothing.
 */
function compare(model: Model, real: Real): void {
  const observer = real.others[0] ?? real.outbox
  const expected = model.rows.map((row) => [idOf(row.number), row.clock, stateOf(model, row)])
  const rows = observer.list({})
  expect(rows.map((row) => [row.event_id, row.event?.lamport_clock, row.state])).toEqual(expected)
  const counts = observer.counts()
  for (const [state, count] of Object.entries(counts)) {
    expect([state, count]).toEqual([state, rows.filter((row) => row.state === state).length])
  }
  expect(observer.consent()).toBe(model.consent)
}

const number = fc.nat({ max: IDS })
const draft = fc.record({ number, variant: fc.constantFrom(0, 0, 0, 0, 0, 0, 1) })
const batches = fc.array(fc.array(draft, { maxLength: 5 }), { minLength: 1, maxLength: 4 })

const commands: fc.Arbitrary<Command>[] = [
  batches.map((list) =>
    command(`append ${JSON.stringify(list)}`, (model, real) => {
      const answers = real.outbox.appendAll(list.map((batch) => batch.map(textOfDraft)))
      const expected = list.map((batch) => appendToModel(model, batch))
      const seen = answers.map((answer) =>
        answer instanceof Error
          ? answer.code
          : answer.receipts.map((receipt) => receipt.lamport_clock),
      )
      expect(seen).toEqual(expected)
    }),
  ),
  fc.integer({ min: 1, max: 6 }).map((max) =>
    command(`claim ${max}`, (model, real) => {
      const due = statesOf(model, 'pending', 'inflight').slice(0, max)
      expect(claimedIds(real.outbox, max)).toEqual(due.map((row) => idOf(row.number)))
      release(model)
      for (const row of due) Object.assign(row, { isUnderWay: true, isAnswered: false })
    }),
  ),
  fc.tuple(fc.array(number), fc.array(number), fc.boolean()).map(([accepted, rejected, isFinal]) =>
    command(`settle ${accepted.join()} / ${rejected.join()} ${isFinal}`, (model, real) => {
      const undelivered = real.outbox.settle(
        accepted.map(idOf),
        rejected.map((id) => ({ event_id: idOf(id), reason: 'refused', isFinal })),
      )
      const answered = new Set([...accepted, ...rejected])
      const waiting = statesOf(model, 'inflight').filter((one) => !one.isAnswered)
      const last = waiting.findLastIndex((row) => answered.has(row.number))
      for (const [at, row] of waiting.entries()) {
        if (at < last && !answered.has(row.number)) row.said[model.hub] = false

        if (accepted.includes(row.number)) decide(model, row, 'delivered')
        else if (rejected.includes(row.number)) {
          row.said[model.hub] = false
          row.attempts[model.hub] += 1
          if (isFinal || row.attempts[model.hub] >= 5) decide(model, row, 'quarantined')
          else row.isAnswered = true
        }
      }
      expect(undelivered).toBe(model.rows.filter((row) => !isSettled(row)).length)
    }),
  ),
  fc.constant(
    command('release', (model, real) => {
      real.outbox.releaseInflight()
      release(model)
    }),
  ),
  fc.constantFrom('a' as const, 'b' as const).map((hub) =>
    command(`reach hub ${hub}`, (model, real) => {
      model.hub = hub
      real.outbox.target(targetOf(model))
      release(model)
    }),
  ),
  fc.constant(
    command('find the hub without its memory', (model, real) => {
      model.epoch[model.hub] += 1
      real.outbox.target(targetOf(model))
      release(model)
      for (const row of statesOf(model, 'delivered')) row.verdict[model.hub] = 'none'
    }),
  ),
  fc.boolean().map((fromNow) =>
    command(`grant ${fromNow ? 'from now' : 'all'}`, (model, real) => {
      const covered = model.consent === 'absent' && !fromNow ? statesOf(model, 'held') : []
      expect(real.outbox.grantConsent(fromNow).covered).toBe(covered.length)
      for (const row of covered) row.mayLeave = true
      model.consent = 'granted'
    }),
  ),
  fc.constant(
    command('refuse', (model, real) => {
      release(model)
      for (const row of model.rows) {
        row.mayLeave = false
        Object.assign(row.attempts, { a: 0, b: 0 })
      }
      expect(real.outbox.refuseConsent().held).toBe(statesOf(model, 'held').length)
      model.consent = 'refused'
    }),
  ),
  fc.constant(
    command('reopen', (model, real) => {
      for (const outbox of [real.outbox, ...real.others.splice(0)]) outbox.close()
      real.outbox = open(real.path, model)
    }),
  ),
  fc.constant(
    command('go on by another connection', (model, real) => {
      if (real.others.length >= 3) real.others.shift()?.close()
      real.others.push(real.outbox)
      real.outbox = open(real.path, model)
    }),
  ),
  fc.constant(
    command('set the clock back', (_, real) => {
      const raw = rawDatabase(real.path)
      raw.exec('UPDATE clock SET value = 0')
      raw.close()
    }),
  ),
]

it('behaves as its model under any order of commands (L2, L3, L9, L10, L11, L12)', () => {
  fc.assert(
    fc.property(fc.commands(commands, { maxCommands: 40 }), (run) => {
      const path = join(temporaryFolder(), 'outbox.db')
      const epoch = { a: 0, b: 0 }
      const model: Model = { rows: [], clock: 0, consent: 'absent', hub: 'a', epoch }
      const real: Real = { path, outbox: open(path, model), others: [] }
      later(() => {
        for (const outbox of [real.outbox, ...real.others]) outbox.close()
      })
      fc.modelRun(() => ({ model, real }), run)
    }),
    { numRuns: 120 },
  )
})
