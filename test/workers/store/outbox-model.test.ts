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
  idOf,
  later,
  rawDatabase,
  temporaryFolder,
  textOf,
} from '../../support/store-fixtures.ts'

const CAPACITY = 12
const IDS = 20

type Row = { readonly number: number; readonly variant: number; clock: number; state: EventState }
type Model = { rows: Row[]; clock: number; consent: 'absent' | 'granted' | 'refused' }
type Real = { readonly path: string; outbox: Outbox; readonly others: Outbox[] }
type Draft = { readonly number: number; readonly variant: number }
type Command = fc.Command<Model, Real>

const UNDELIVERED: ReadonlySet<EventState> = new Set(['pending', 'inflight', 'held'])

function textOfDraft({ number, variant }: Draft) {
  return textOf(number, { payload: { variant } })
}

function statesOf(model: Model, ...states: readonly EventState[]): Row[] {
  return model.rows.filter((row) => states.includes(row.state))
}

function open(path: string): Outbox {
  return Outbox.open({ path, owner: PROJECT_OWNER, nodeId: NODE, capacity: CAPACITY })
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
    rows.push({ ...draft, clock, state: model.consent === 'granted' ? 'pending' : 'held' })
  }
  const undelivered = rows.filter((row) => UNDELIVERED.has(row.state)).length
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
  const expected = model.rows.map((row) => [idOf(row.number), row.clock, row.state])
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
      const claimed = real.outbox.claim(max).map((event) => event.event_id)
      const due = model.consent === 'granted' ? statesOf(model, 'pending', 'inflight') : []
      expect(claimed).toEqual(due.slice(0, max).map((row) => idOf(row.number)))
      for (const row of due.slice(0, max)) row.state = 'inflight'
    }),
  ),
  fc.tuple(fc.array(number), fc.array(number)).map(([accepted, rejected]) =>
    command(`settle ${accepted.join()} / ${rejected.join()}`, (model, real) => {
      const undelivered = real.outbox.settle(
        accepted.map(idOf),
        rejected.map((id) => ({ event_id: idOf(id), reason: 'refused' })),
      )
      for (const row of statesOf(model, 'inflight')) {
        if (accepted.includes(row.number)) row.state = 'delivered'
        else if (rejected.includes(row.number)) row.state = 'quarantined'
      }
      expect(undelivered).toBe(statesOf(model, 'pending', 'inflight', 'held').length)
    }),
  ),
  fc.constant(
    command('release', (model, real) => {
      real.outbox.releaseInflight()
      for (const row of statesOf(model, 'inflight')) row.state = 'pending'
    }),
  ),
  fc.boolean().map((fromNow) =>
    command(`grant ${fromNow ? 'from now' : 'all'}`, (model, real) => {
      const covered = model.consent === 'absent' && !fromNow ? statesOf(model, 'held') : []
      expect(real.outbox.grantConsent(fromNow).covered).toBe(covered.length)
      for (const row of covered) row.state = 'pending'
      model.consent = 'granted'
    }),
  ),
  fc.constant(
    command('refuse', (model, real) => {
      for (const row of statesOf(model, 'pending', 'inflight')) row.state = 'held'
      expect(real.outbox.refuseConsent().held).toBe(statesOf(model, 'held').length)
      model.consent = 'refused'
    }),
  ),
  fc.constant(
    command('reopen', (_, real) => {
      for (const outbox of [real.outbox, ...real.others.splice(0)]) outbox.close()
      real.outbox = open(real.path)
    }),
  ),
  fc.constant(
    command('go on by another connection', (_, real) => {
      if (real.others.length >= 3) real.others.shift()?.close()
      real.others.push(real.outbox)
      real.outbox = open(real.path)
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
      const model: Model = { rows: [], clock: 0, consent: 'absent' }
      const real: Real = { path, outbox: open(path), others: [] }
      later(() => {
        for (const outbox of [real.outbox, ...real.others]) outbox.close()
      })
      fc.modelRun(() => ({ model, real }), run)
    }),
    { numRuns: 120 },
  )
})
