/** What the page says of messages: lines, lanes, fates, differences, and what the search finds. */
import { describe, expect, it } from 'vitest'
import { isSettled, stagesAt, stageTime } from '../../../src/inspect/page/model/fates.ts'
import { type Filter, FIRST_FILTER, Rows } from '../../../src/inspect/page/model/filter.ts'
import { History } from '../../../src/inspect/page/model/history.ts'
import { actorLane, arrowOf, lanesOf } from '../../../src/inspect/page/model/lanes.ts'
import { summarize } from '../../../src/inspect/page/model/summary.ts'
import {
  age,
  clockTime,
  count,
  counted,
  duration,
  eventText,
  leafText,
  shortId,
  visible,
} from '../../../src/page/text.ts'
import { stateText } from '../../../src/page/state-text.ts'
import { anyText } from '../../support/any-text.ts'
import { actorId, sampleMessages, stamped } from '../../support/feed-messages.ts'
import { fc, property } from '../../support/property.ts'

const SAMPLE = new History()
for (const { message, line } of sampleMessages()) SAMPLE.add(message, line)
const ALL: Filter = { hidden: new Set(), actor: null, words: '' }

function historyOf(told: Parameters<typeof stamped>[0]): History {
  const history = new History()
  for (const message of stamped(told)) history.add(message, JSON.stringify(message))
  return history
}

function linesOf(history: History): string[] {
  return new Rows().update(history, ALL).map((at) => {
    const entry = history.at(at)
    if (entry === undefined) return ''
    const { word, who, text } = summarize(entry, history)
    return `${word} | ${who} | ${text}`
  })
}

describe('a message in one line', () => {
  it('says what happened, to whom, and how long it took', () => {
    const lines = linesOf(SAMPLE)
    expect(lines).toContain('step | connection | connected → backingOff  (socket.closed)')
    expect(lines).toContain('crash | store | SAMPLE')
    expect(
      lines.some((line) =>
        /^answered \| store → main \| store\.appended #1 {2}[\d.]+ ms$/.test(line),
      ),
    ).toBe(true)
    expect(lines.some((line) => /^committed \| \w+ \| …\w{8} {2}[0-9a-f]{10}$/.test(line))).toBe(
      true,
    )
    expect(lines.filter((line) => line.includes('undefined') || line.includes('[object'))).toEqual(
      [],
    )
  })

  it('says what was left out, and why, as an alarm', () => {
    const told = {
      type: 'kittiwake.sampled',
      reason: 'rate',
      leftOut: 1234,
      byType: {},
      fromMono: 0,
      toMono: 1,
    }
    const history = historyOf([told])
    const entry = history.at(0)
    expect(entry && summarize(entry, history)).toMatchObject({
      text: '1,234 messages left out (more came than can be shown)',
      isAlarm: true,
      group: 'other',
    })
    expect(history.leftOut).toBe(1234)
  })

  it('spells what would reorder or hide its own words', () => {
    const event = { type: 'go\u202egnp.\u0007\u001b[31m\ud800' }
    const history = historyOf([
      { type: '@xstate.event', sessionId: actorId('x:1'), rootId: '', sourceId: null, event },
    ])
    expect(linesOf(history)[0]).toBe(
      'event | x:1 | go\\u{202e}gnp.\\u{7}\\u{1b}[31m\\u{fffd}  ◂ outside',
    )
  })
})

describe('the filter', () => {
  it('takes groups out, keeps one actor, and finds all words in any case', () => {
    const rows = new Rows()
    const shown = rows.update(SAMPLE, FIRST_FILTER)
    const types = new Set(shown.map((at) => SAMPLE.at(at)?.message.type))
    expect(types).not.toContain('@xstate.action')
    expect(types).toContain('kittiwake.fate')
    const found = rows.update(SAMPLE, { ...ALL, words: 'STORE.append  crashed' })
    expect(found).toEqual([])
    expect(rows.update(SAMPLE, { ...ALL, words: 'sample CRASHED' }).length).toBeGreaterThan(0)
    const named = rows.update(SAMPLE, { ...ALL, words: 'drain.events microstep' })
    expect(named.length).toBeGreaterThan(0)
    // Not a pattern.
    expect(rows.update(SAMPLE, { ...ALL, words: '.*(' })).toEqual([])
  })

  it('keeps what its actor was sent and sent itself', () => {
    const connection = [...SAMPLE.actors].find(({ first }) => first.message.name === 'connection')
    const rows = new Rows().update(SAMPLE, { ...ALL, actor: connection?.id ?? null })
    const messages = rows.map((at) => SAMPLE.at(at)?.message)
    expect(
      messages.some((one) => one?.type === '@xstate.event' && one.sourceId === connection?.id),
    ).toBe(true)
    expect(
      messages.some((one) => one?.type === '@xstate.event' && one.sessionId === connection?.id),
    ).toBe(true)
  })

  property([fc.array(fc.nat(60), { maxLength: 12 }), fc.integer({ min: 5, max: 80 })])(
    'gives the same as it grows as from the start',
    (parts, max) => {
      const history = new History(max)
      const [rows, filter] = [new Rows(), { ...ALL, words: 'xstate' }]
      let next = 0
      for (const part of parts) {
        for (const { message, line } of sampleMessagesOnce.slice(next, next + part))
          history.add(message, line)
        next += part
        expect(rows.update(history, filter)).toEqual(new Rows().update(history, { ...filter }))
      }
    },
  )
})

const sampleMessagesOnce = sampleMessages().slice(0, 800)

describe('the lanes', () => {
  it('are one for each speaker of a message, threads beside their workers', () => {
    const positions = new Rows().update(SAMPLE, ALL).filter((at) => {
      const entry = SAMPLE.at(at)
      return entry !== undefined && arrowOf(entry, SAMPLE) !== null
    })
    const lanes = lanesOf(positions, SAMPLE)
    const labels = lanes.map(({ label }) => label)
    expect(labels.slice(0, 8)).toEqual([
      'outside',
      'supervisor',
      'store',
      'store thread',
      'git',
      'git thread',
      'socket',
      'socket thread',
    ])
    expect(labels).toContain('commit.*')
    const keys = new Set(lanes.map(({ key }) => key))
    for (const at of positions) {
      const entry = SAMPLE.at(at)
      const arrow = entry === undefined ? null : arrowOf(entry, SAMPLE)
      expect(keys.has(arrow?.from ?? '-') && keys.has(arrow?.to ?? '-')).toBe(true)
    }
  })

  it('are named by the id of an actor that was never told of', () => {
    expect(actorLane(SAMPLE, 'p/main/x:99').label).toBe('x:99')
  })
})

describe('fates', () => {
  const fate = (stage: string, more: object = {}) => ({
    type: 'kittiwake.fate',
    eventId: 'E1',
    stage,
    ...more,
  })

  it('are told up to the moment, by when they happened', () => {
    const history = historyOf([
      fate('stored', { lamport: 1, eventType: 'HistoryAdded' }),
      fate('sent', { happenedAt: '5', happenedMono: 900 }),
      fate('sent'),
      fate('acknowledged'),
    ])
    const [one] = history.fates.upTo(3)
    if (one === undefined) throw new Error('none')
    expect(history.fates.upTo(-1)).toEqual([])
    expect(one).toMatchObject({ eventType: 'HistoryAdded', lamport: 1 })
    expect([...stagesAt(one, 1).keys()]).toEqual(['stored', 'sent'])
    const sent = stagesAt(one, 3).get('sent')
    expect(sent && stageTime(sent)).toEqual({ createdAt: '5', mono: 900 })
    expect([isSettled(one, 2), isSettled(one, 3)]).toEqual([false, true])
  })

  it('are settled by a refusal for good, and those of the ledger by their commit', () => {
    const settled = (...told: object[]) => {
      const history = historyOf(told as Parameters<typeof stamped>[0])
      const [one] = history.fates.upTo(history.end)
      return one !== undefined && isSettled(one, history.end)
    }
    expect(settled(fate('stored', { lamport: 1 }), fate('refused', { final: false }))).toBe(false)
    expect(settled(fate('stored', { lamport: 1 }), fate('refused', { final: true }))).toBe(true)
    expect(settled(fate('stored', { lamport: 1 }), fate('committed'))).toBe(false)
    expect(settled(fate('stored'), fate('committed'))).toBe(true)
  })
})

describe('words and numbers', () => {
  it('are short, and never fail', () => {
    expect([0.254, 27.84, 1_204, 185_000, 7_440_000].map(duration)).toEqual([
      '0.25 ms',
      '27.8 ms',
      '1.20 s',
      '3 min 5 s',
      '2 h 4 min',
    ])
    expect([-5, 4_900, 180_000, 7_440_000].map(age)).toEqual(['0 s', '4 s', '3 min', '2 h 4 min'])
    expect(clockTime('1795889642075')).toMatch(/^\d\d:\d\d:\d\d\.075$/)
    expect(['x', '9'.repeat(16)].map(clockTime)).toEqual(['--:--:--.---', '--:--:--.---'])
    expect([count(12_345), counted(1, 'event'), counted(2, 'event')]).toEqual([
      '12,345',
      '1 event',
      '2 events',
    ])
    expect([shortId('short'), shortId('01M8HNTESFXY26C4TH90WNGQY4')]).toEqual([
      'short',
      '…90WNGQY4',
    ])
  })

  it('give a state by its parts, however deep', () => {
    expect(stateText({ connected: { delivery: 'live', liveness: 'watched' } })).toBe(
      'connected (delivery.live | liveness.watched)',
    )
    expect(stateText({ running: 'ready' })).toBe('running.ready')
    expect(leafText({ connected: { delivery: 'live', liveness: 'watched' } })).toBe(
      'live · watched',
    )
    expect([leafText('idle'), leafText({ a: {} }), leafText(null)]).toEqual(['idle', 'a', ''])
    expect([null, 7, undefined].map((value) => stateText(value))).toEqual(['', '', ''])
    let deep: unknown = 'end'
    for (let depth = 0; depth < 50_000; depth += 1) deep = { s: deep }
    expect([stateText(deep), leafText(deep)].every((text) => text.includes('…'))).toBe(true)
  })

  it('call the events of XState by plain names', () => {
    const names = [
      'xstate.after.backoff.connection.backingOff',
      'xstate.done.actor.thread',
      'xstate.init',
      'xstate.stop',
      'go',
    ]
    expect(names.map(eventText)).toEqual(['after backoff', 'done thread', 'start', 'stop', 'go'])
  })

  property([anyText()])('hold nothing that hides or reorders', (text) => {
    expect(visible(text)).not.toMatch(
      /[\u0000-\u0008\u001b\u007f-\u009f\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069]|\p{Surrogate}/u,
    )
  })
})
