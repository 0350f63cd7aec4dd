/** What the page draws: differences of values, and machines as they were at a moment. */
import { describe, expect, it } from 'vitest'
import { lightChart, roundedPath } from '../../../src/inspect/page/model/chart.ts'
import { diffLines, hasChanged } from '../../../src/inspect/page/model/diff.ts'
import { History } from '../../../src/inspect/page/model/history.ts'
import { actorId, stamped, state } from '../../support/feed-messages.ts'
import { fc, property } from '../../support/property.ts'

describe('a difference', () => {
  it('has a line for each value, with what it was', () => {
    const before = { kept: 1, gone: 'x', inner: { a: [1, 2], b: null } }
    const now = { kept: 1, inner: { a: [1, 3], b: null }, come: true }
    const lines = diffLines(now, before).map(({ depth, key, text, change, before: was }) =>
      [' '.repeat(depth) + key, text, change, was].join(','),
    )
    expect(lines).toEqual([
      'kept,1,same,',
      'inner,{ 2 },same,',
      ' a,[ 2 ],same,',
      '  0,1,same,',
      '  1,3,changed,2',
      ' b,null,same,',
      'come,true,added,',
      'gone,"x",removed,',
    ])
  })

  const json = fc.dictionary(fc.string(), fc.jsonValue())
  property([json])('to itself, and to nothing, is none', (value) => {
    const held = value as Parameters<typeof diffLines>[0]
    expect(hasChanged(diffLines(held, structuredClone(held)))).toBe(false)
    expect(hasChanged(diffLines(held))).toBe(false)
  })

  it('spells what it shows', () => {
    const [line] = diffLines({ 'a\u202e': '\u0000<b>' })
    expect(line).toMatchObject({ key: 'a\\u{202e}', text: '"\\u0000<b>"' })
  })
})

describe('a chart', () => {
  const root = { ...state('m', [state('m.a'), state('m.b')]) }
  const box = { x: 0, y: 0, width: 80, height: 32, header: 32, invokes: [] }
  const drawing = {
    hash: '0',
    width: 200,
    height: 200,
    states: [
      { id: 'm', ...box },
      { id: 'm.a', ...box },
      { id: 'm.b', ...box, y: 100 },
    ],
    edges: [{ transitions: ['m.a#0'], source: 'm.a', target: 'm.b', points: [] }],
    initials: [],
  }
  const step = (targets: string[]) => ({
    type: '@xstate.microstep',
    sessionId: actorId('a'),
    rootId: '',
    event: { type: 'go' },
    transitions: [{ id: 'm.a#0', source: 'm.a', targets, eventType: 'go' }],
    snapshot: { status: 'active', value: targets.length === 0 ? 'a' : 'b' },
  })
  const lit = (targets: string[]) => {
    const actor = {
      type: '@xstate.actor',
      sessionId: actorId('a'),
      parentId: null,
      name: 'a',
      kind: 'machine',
      machine: null,
      snapshot: { status: 'active', value: 'a' },
    }
    const history = new History()
    for (const message of stamped([actor, step(targets)])) history.add(message, '')
    const moment = history.actor(actorId('a'))?.moment(1) ?? null
    return lightChart({ hash: '0', name: 'm', root }, drawing, moment)
  }

  it('lights what is active, and the arrow that was just taken', () => {
    const chart = lit(['m.b'])
    expect(chart.states.map(({ isActive, isLeaf }) => [isActive, isLeaf])).toEqual([
      [true, false],
      [false, false],
      [true, true],
    ])
    expect(chart.edges[0]).toMatchObject({ isTaken: true, isOpen: false })
    expect(chart.focus).toEqual({ x: 0, y: 100, width: 80, height: 32 })
  })

  it('names the event of a transition that stayed', () => {
    expect(lit([]).states.map(({ stayed }) => stayed)).toEqual([null, 'go', null])
  })

  it('of an actor that is not yet there is dark, and all of it is looked at', () => {
    const dark = lightChart({ hash: '0', name: 'm', root }, drawing, null)
    expect(dark.states.some(({ isActive }) => isActive)).toBe(false)
    expect(dark.focus).toEqual({ x: 0, y: 0, width: 200, height: 200 })
  })

  it('rounds the corners of its lines, and leaves short ones whole', () => {
    expect(
      roundedPath([
        { x: 0, y: 0 },
        { x: 0, y: 20 },
        { x: 20, y: 20 },
      ]),
    ).toBe('M0 0L0 13Q0 20 7 20L20 20')
    expect(
      roundedPath([
        { x: 0, y: 0 },
        { x: 0, y: 0 },
        { x: 4, y: 0 },
      ]),
    ).toBe('M0 0L0 0Q0 0 2 0L4 0')
  })
})
