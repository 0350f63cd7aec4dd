import { describe, expect, it } from 'vitest'
import { type AnyActorRef, createActor, fromCallback } from 'xstate'
import { ledgerSource, outboxSource } from '#dist/actors/source.js'

type Message = { readonly type: string; readonly command?: Message & Record<string, unknown> }

/** A source between a worker and a drain that only keep what they are sent. */
function between(logic: typeof outboxSource | typeof ledgerSource) {
  const asked: Record<string, unknown>[] = []
  const told: Message[] = []
  const worker = createActor(
    fromCallback<Message>(({ receive }) => receive(({ command }) => asked.push({ ...command }))),
  ).start()
  const drain = createActor(
    fromCallback<Message>(({ receive }) => receive((event) => told.push(event))),
  ).start()
  const input = { worker, drain: () => drain as never }
  const source: AnyActorRef = createActor(logic as typeof outboxSource, { input }).start()
  return { asked, told, say: (event: object) => source.send(event) }
}

function frame(index: number): object {
  return { type: 'LocalCommit', git_hash: String(index).padStart(40, '0') }
}

const refusal = (code: string): object => ({ error: { code } })

describe('the source of the events', () => {
  it('turns the words of the drain into those of the store, and back', () => {
    const { asked, told, say } = between(outboxSource)
    say({ type: 'source.claim', batch: 7, max: 512 })
    say({ type: 'store.claimed', batch: 7, count: 3 })
    const rejected = [
      { id: 'b', reason: 'r', isFinal: true },
      { id: 'c', reason: 'r', isFinal: false },
    ]
    say({ type: 'source.settle', accepted: ['a'], rejected })
    say({ type: 'store.settled', undelivered: 0 })
    say({ type: 'store.refused', ...refusal('LEASE_NOT_HELD') })
    expect(asked).toEqual([
      { type: 'store.claim', batch: 7, max: 512 },
      {
        type: 'store.settle',
        accepted: ['a'],
        rejected: [
          { event_id: 'b', reason: 'r', isFinal: true },
          { event_id: 'c', reason: 'r', isFinal: false },
        ],
      },
    ])
    expect(told).toEqual([
      // The rows themselves take the direct way to the socket thread.
      { type: 'source.claimed', batch: 7, count: 3, frames: [] },
      { type: 'source.settled', isEmptied: false },
      { type: 'source.refused', ...refusal('LEASE_NOT_HELD') },
    ])
  })
})

describe('the source of the commits', () => {
  it('offers what is pending, within one claim', () => {
    const max = 3
    const { asked, told, say } = between(ledgerSource)
    const frames = Array.from({ length: max + 1 }, (_, index) => frame(index))
    say({ type: 'source.claim', batch: 1, max })
    say({ type: 'git.framed', frames })
    expect(asked).toEqual([{ type: 'git.frames' }])
    expect(told).toEqual([
      { type: 'source.claimed', batch: 1, count: max, frames: frames.slice(0, max) },
    ])
  })

  it('confirms what was accepted, and offers what was refused not again on this link', () => {
    const { asked, told, say } = between(ledgerSource)
    const [first, second] = [frame(1), frame(2)] as [{ git_hash: string }, { git_hash: string }]
    say({
      type: 'source.settle',
      accepted: [second.git_hash],
      rejected: [{ id: first.git_hash, reason: 'r', isFinal: true }],
    })
    say({ type: 'git.confirmed', pending: 1 })
    say({ type: 'source.claim', batch: 2, max: 3 })
    say({ type: 'git.framed', frames: [first] })
    expect(asked[0]).toEqual({ type: 'git.confirm', hashes: [second.git_hash] })
    expect(told).toEqual([
      { type: 'source.settled', isEmptied: false },
      { type: 'source.claimed', batch: 2, count: 0, frames: [] },
    ])
  })

  it('is emptied with the last pending commit, whatever else there is to tell', () => {
    const { told, say } = between(ledgerSource)
    say({ type: 'git.confirmed', pending: 0 })
    expect(told).toEqual([{ type: 'source.settled', isEmptied: true }])
  })

  it('offers what was refused again on the next link, which may be to another hub', () => {
    const { told, say } = between(ledgerSource)
    const refused = frame(1) as { git_hash: string }
    const rejected = [{ id: refused.git_hash, reason: 'r', isFinal: true }]
    say({ type: 'source.settle', accepted: [], rejected })
    say({ type: 'git.confirmed', pending: 1 })
    say({ type: 'source.begin' })
    say({ type: 'source.claim', batch: 2, max: 3 })
    say({ type: 'git.framed', frames: [refused] })
    expect(told).toEqual([
      { type: 'source.settled', isEmptied: false },
      { type: 'source.claimed', batch: 2, count: 1, frames: [refused] },
    ])
  })

  it('takes an answer for that of the claim which asked it, whatever came between (L6)', () => {
    const { told, say } = between(ledgerSource)
    say({ type: 'source.claim', batch: 1, max: 3 })
    say({ type: 'source.begin' })
    say({ type: 'source.settle', accepted: [], rejected: [] })
    say({ type: 'source.claim', batch: 2, max: 1 })
    say({ type: 'git.framed', frames: [frame(2)] })
    say({ type: 'git.confirmed', pending: 2 })
    say({ type: 'git.framed', frames: [frame(1), frame(2)] })
    say({ type: 'source.claim', batch: 3, max: 3 })
    say({ type: 'git.refused', ...refusal('LEDGER_LOCKED') })
    say({ type: 'source.claim', batch: 4, max: 3 })
    say({ type: 'git.framed', frames: [] })
    expect(told).toEqual([
      { type: 'source.claimed', batch: 1, count: 1, frames: [frame(2)] },
      { type: 'source.settled', isEmptied: false },
      { type: 'source.claimed', batch: 2, count: 1, frames: [frame(1)] },
      { type: 'source.refused', ...refusal('LEDGER_LOCKED') },
      { type: 'source.claimed', batch: 4, count: 0, frames: [] },
    ])
  })

  it('says why git could not do it now', () => {
    const { told, say } = between(ledgerSource)
    say({ type: 'source.claim', batch: 3, max: 3 })
    say({ type: 'git.refused', ...refusal('LEDGER_LOCKED') })
    expect(told).toEqual([{ type: 'source.refused', ...refusal('LEDGER_LOCKED') }])
  })
})
