import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { createMachine } from 'xstate'
import { definitionOf } from '#dist/inspect/definition.js'
import { drawAscii } from '#dist/inspect/draw-ascii.js'
import { drawMermaid } from '#dist/inspect/draw-mermaid.js'
import { drawSvg } from '#dist/inspect/draw-svg.js'
import { Drawings } from '#dist/inspect/drawing.js'
import { activeStates } from '#dist/inspect/active-states.js'
import { machineDefinitions } from '#dist/inspect/machines.js'
import { DRAWING } from '#dist/inspect/client-protocol.js'
import { type MachineNode } from '#dist/inspect/protocol.js'

const ACTORS = join(import.meta.dirname, '../../src/actors')
const machines = machineDefinitions()
const drawings = new Drawings()
afterAll(() => drawings.close())

const everything = createMachine({
  id: 'everything',
  initial: 'a',
  states: {
    a: {
      entry: 'greet',
      exit: 'leave',
      tags: ['early'],
      invoke: { id: 'work', src: 'worker', onDone: 'both', onError: { target: 'over' } },
      after: { 1000: 'both', patience: { guard: 'isTired', target: 'over' } },
      on: { '<script>': { target: 'a', reenter: true }, quiet: { actions: ['note'] } },
    },
    both: {
      type: 'parallel',
      states: {
        left: { initial: 'one', states: { one: { always: 'two' }, two: {} } },
        right: { initial: 'here', states: { here: {}, was: { type: 'history', history: 'deep' } } },
      },
    },
    over: { type: 'final' },
  },
})

function all(node: MachineNode): readonly MachineNode[] {
  return [node, ...node.states.flatMap(all)]
}

it('of Mermaid notes beside a state what it invokes', () => {
  const lines = drawMermaid(definitionOf(everything).root).split('\n')
  expect(lines.filter((line) => line.includes('note'))).toEqual([
    '  note right of everything_a : runs worker as work',
  ])
})

describe('a definition', () => {
  it('is there for each machine of the house', async () => {
    const files = readdirSync(ACTORS).filter((name) => name.endsWith('.machine.ts'))
    const names = files.map((name) => name.replace('.machine.ts', '')).sort()
    expect(machines.map(({ name }) => name)).toEqual(names)
    expect(new Set(machines.map(({ hash }) => hash)).size).toBe(names.length)
  })

  it('tells all that a configuration says, in its order', () => {
    const { root } = definitionOf(everything)
    const [a, both, over] = root.states
    expect(root).toMatchObject({ id: 'everything', type: 'compound', initial: ['everything.a'] })
    expect(a).toMatchObject({
      key: 'a',
      entry: ['greet'],
      exit: ['leave'],
      tags: ['early'],
      invoke: [{ id: 'work', src: 'worker' }],
    })
    expect(
      a?.transitions.map(({ kind, delay, guard, targets }) => [kind, delay, guard, targets]),
    ).toEqual(
      expect.arrayContaining([
        ['event', undefined, undefined, ['everything.a']],
        ['event', undefined, undefined, []],
        ['done', undefined, undefined, ['everything.both']],
        ['error', undefined, undefined, ['everything.over']],
        ['after', 1000, undefined, ['everything.both']],
        ['after', 'patience', 'isTired', ['everything.over']],
      ]),
    )
    expect(both?.states.map(({ key }) => key)).toEqual(['left', 'right'])
    expect(both?.initial).toEqual([])
    expect(both?.states[0]?.states[0]?.transitions).toMatchObject([{ kind: 'always', event: '' }])
    expect(both?.states[1]?.states[1]).toMatchObject({
      type: 'history',
      history: 'deep',
      initial: ['everything.both.right.here'],
    })
    expect(over?.type).toBe('final')
    const ids = all(root).flatMap(({ transitions }) => transitions.map(({ id }) => id))
    expect(new Set(ids).size).toBe(ids.length)
  })

  it('has the hash of what it says, not of what runs it', () => {
    const again = everything.provide({ actions: { greet: () => undefined } })
    expect(definitionOf(again).hash).toBe(definitionOf(everything).hash)
    const other = createMachine({ ...everything.config, initial: 'both' })
    expect(definitionOf(other).hash).not.toBe(definitionOf(everything).hash)
  })

  it('says which states a value names', () => {
    const { root } = definitionOf(everything)
    expect(activeStates(root, 'a')).toEqual(['everything', 'everything.a'])
    expect(activeStates(root, { both: { left: 'two', right: 'here' } })).toEqual([
      'everything',
      'everything.both',
      'everything.both.left',
      'everything.both.left.two',
      'everything.both.right',
      'everything.both.right.here',
    ])
    expect(activeStates(root, { nowhere: 'two' })).toEqual(['everything'])
  })
})

describe('a drawing', () => {
  it.each(
    [...machines, definitionOf(everything)].map((machine) => [machine.name, machine] as const),
  )(
    'of %s has a place for each state within its parent, and an arrow for each way',
    async (_, machine) => {
      const drawing = DRAWING.parse(await drawings.draw(machine))
      const states = all(machine.root)
      const boxes = new Map(drawing.states.map((state) => [state.id, state]))
      expect([...boxes.keys()].sort()).toEqual(states.map(({ id }) => id).sort())
      for (const state of states) {
        const outer = boxes.get(state.id)
        for (const { id } of state.states) {
          const inner = boxes.get(id)
          if (outer === undefined || inner === undefined) throw new Error('no box')
          expect(inner.x).toBeGreaterThan(outer.x)
          expect(inner.y).toBeGreaterThan(outer.y)
          expect(inner.x + inner.width).toBeLessThan(outer.x + outer.width)
          expect(inner.y + inner.height).toBeLessThan(outer.y + outer.height)
          // What the outer one invokes stands above, beneath its name.
          const lowest = outer.invokes.at(-1) ?? { y: outer.y, height: outer.header }
          expect(inner.y).toBeGreaterThan(lowest.y + lowest.height)
        }
        const { invokes = [], y = 0, height = 0, header = 0 } = outer ?? {}
        expect(invokes.map(({ id }) => id)).toEqual(state.invoke.map(({ id }) => id))
        for (const invoke of invokes) {
          expect(invoke.y).toBeGreaterThanOrEqual(y + header)
          expect(invoke.y + invoke.height).toBeLessThan(y + height)
        }
      }
      const leading = states
        .flatMap(({ transitions }) => transitions)
        .filter(({ targets }) => targets.length > 0)
      const drawn = drawing.edges.flatMap(({ transitions }) => transitions)
      expect(drawn.sort()).toEqual(leading.map(({ id }) => id).sort())
      for (const { points, label } of drawing.edges) {
        expect(points.length).toBeGreaterThan(1)
        expect(label?.lines.length).toBeGreaterThan(0)
      }
      expect(drawing.initials.map(({ state }) => state).sort()).toEqual(
        states
          .filter(({ type }) => type === 'compound')
          .map(({ id }) => id)
          .sort(),
      )
    },
  )

  it('is made once for each hash', async () => {
    const machine = definitionOf(everything)
    expect(await drawings.draw(machine)).toBe(await drawings.draw({ ...machine }))
  })

  it('that can not be laid out is refused by a code, and tried again', async () => {
    const { root } = definitionOf(everything)
    const [first] = root.states
    if (first === undefined) throw new Error('no state')
    const lost = {
      ...first,
      transitions: first.transitions.map((one) => ({ ...one, targets: ['nowhere'] })),
    }
    const broken = { hash: '0'.repeat(16), root: { ...root, states: [lost] } }
    await expect(drawings.draw(broken)).rejects.toMatchObject({ code: 'LAYOUT_FAILED' })
    await expect(drawings.draw({ ...broken, root })).resolves.toMatchObject({ hash: broken.hash })
  })

  it('as a picture names all and obeys nothing', async () => {
    const machine = definitionOf(everything)
    const svg = drawSvg(machine.root, await drawings.draw(machine))
    expect(svg).not.toContain('<script')
    expect(svg).toContain('&lt;script>')
    const states = all(machine.root)
    const boxes = states.length + states.flatMap(({ invoke }) => invoke).length
    expect(svg.match(/<rect /g)).toHaveLength(boxes)
    expect(svg).not.toMatch(/https?:(?!\/\/www\.w3\.org\/2000\/svg)|href|url\((?!#tip)/)
  })

  it('as text names every state and every way, and so does the diagram', () => {
    for (const { root } of machines) {
      const text = drawAscii(root)
      const diagram = drawMermaid(root)
      for (const { key, id } of all(root).slice(1)) {
        expect(text).toContain(`─ ${key}`)
        expect(diagram).toContain(`state "${key}" as ${id.replaceAll('.', '_')}`)
      }
    }
    expect(drawAscii(definitionOf(everything).root)).toContain('after patience [isTired] ► over')
  })
})
