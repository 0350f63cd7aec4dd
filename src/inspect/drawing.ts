/** Where the states and arrows of a machine go: its definition as a graph, and the graph that was laid out as a drawing. */
import type { ElkNode } from '../workers/bulk/graph-layouts.ts'
import { GraphLayouts } from '../workers/bulk/graph-layouts.ts'
import type { Definition } from './definition.ts'
import type { Drawing } from './client-protocol.ts'
import type { MachineNode, MachineTransition } from './protocol.ts'
import { transitionLabel } from './transition-label.ts'

type Machine = Pick<Definition, 'hash' | 'root'>
type Edge = NonNullable<ElkNode['edges']>[number]

/** Pixels; of a font of 12 px for states and of 11 px for labels, which nobody measures here. */
const STATE_HEIGHT = 32
const HEADER = 26
const CHARACTER = 7.2
const LABEL_CHARACTER = 6.4
const LABEL_LINE = 14
const PADDING = 24
/** Of what a state invokes, a box each below its name. */
const INVOKE_HEIGHT = 18
const INVOKE_GAP = 6
const INVOKE_SIDE = 10
const STATE_WIDTH_MIN = 72
const DOT = 8
const DOT_ID = '#initial'

const OPTIONS = {
  'elk.algorithm': 'layered',
  'elk.direction': 'DOWN',
  'elk.hierarchyHandling': 'INCLUDE_CHILDREN',
  'elk.edgeRouting': 'ORTHOGONAL',
  'elk.json.edgeCoords': 'ROOT',
  'elk.json.shapeCoords': 'ROOT',
  'elk.layered.spacing.nodeNodeBetweenLayers': '36',
  'elk.layered.spacing.edgeNodeBetweenLayers': '16',
  'elk.spacing.nodeNode': '28',
  'elk.spacing.edgeLabel': '4',
  'elk.layered.nodePlacement.strategy': 'BRANDES_KOEPF',
  'elk.layered.considerModelOrder.strategy': 'NODES_AND_EDGES',
}

/** Drawings by the hash of their machine: each is laid out once. */
export class Drawings {
  readonly #layouts = new GraphLayouts()
  readonly #drawingByHash = new Map<string, Promise<Drawing>>()

  /** @throws RuntimeError LAYOUT_FAILED */
  draw(machine: Machine): Promise<Drawing> {
    const known = this.#drawingByHash.get(machine.hash)
    if (known !== undefined) return known
    const drawing = this.#layouts
      .layOut(graphOf(machine.root))
      .then((graph) => readDrawing(machine, graph))
    this.#drawingByHash.set(machine.hash, drawing)
    // What failed for want of memory or time may go at another time.
    drawing.catch(() => this.#drawingByHash.delete(machine.hash))
    return drawing
  }

  close(): Promise<void> {
    return this.#layouts.close()
  }
}

export function graphOf(root: MachineNode): ElkNode {
  return { id: 'drawing', layoutOptions: OPTIONS, children: [nodeOf(root)], edges: edgesOf(root) }
}

function nodeOf(state: MachineNode): ElkNode {
  const width = Math.max(
    STATE_WIDTH_MIN,
    Math.ceil(state.key.length * CHARACTER) + PADDING,
    ...state.invoke.map((one) => Math.ceil(invokeText(one).length * LABEL_CHARACTER) + 2 * PADDING),
  )
  const invokes = state.invoke.length * (INVOKE_HEIGHT + INVOKE_GAP)
  if (state.states.length === 0) return { id: state.id, width, height: STATE_HEIGHT + invokes }
  const dots = state.initial.length === 0 ? [] : [dotOf(state)]
  return {
    id: state.id,
    layoutOptions: {
      'elk.padding': `[top=${HEADER + invokes + 14},left=14,bottom=14,right=14]`,
      'elk.nodeSize.constraints': 'MINIMUM_SIZE',
      'elk.nodeSize.minimum': `(${width},${HEADER + invokes})`,
    },
    children: [...dots, ...state.states.map(nodeOf)],
  }
}

function dotOf({ id }: MachineNode): ElkNode {
  return { id: `${id}${DOT_ID}`, width: DOT, height: DOT }
}

function edgesOf(root: MachineNode): Edge[] {
  const arrows = arrowsOf(root).map(({ id, source, target, transitions }) => {
    const lines = transitions.map(transitionLabel)
    const longest = Math.max(...lines.map((line) => line.length))
    return {
      id,
      sources: [source],
      targets: [target],
      labels: [
        {
          id: `${id} label`,
          text: lines.join('\n'),
          width: Math.ceil(longest * LABEL_CHARACTER) + 4,
          height: lines.length * LABEL_LINE,
        },
      ],
    }
  })
  return [
    ...arrows,
    ...initialsOf(root).map(({ id, source, target }) => ({
      id,
      sources: [source],
      targets: [target],
    })),
  ]
}

type Arrow = {
  readonly id: string
  readonly source: string
  readonly target: string
  readonly transitions: readonly MachineTransition[]
}

/** One for each pair of states; what stays where it is has none. */
function arrowsOf(node: MachineNode): readonly Arrow[] {
  const byTarget = new Map<string, MachineTransition[]>()
  for (const transition of node.transitions) {
    for (const target of transition.targets) {
      byTarget.set(target, [...(byTarget.get(target) ?? []), transition])
    }
  }
  const own = [...byTarget].map(([target, transitions]) => ({
    id: `${node.id} ► ${target}`,
    source: node.id,
    target,
    transitions,
  }))
  return [...own, ...node.states.flatMap(arrowsOf)]
}

function initialsOf(node: MachineNode): readonly Omit<Arrow, 'transitions'>[] {
  const isCompound = node.states.length > 0
  const own = (isCompound ? node.initial : []).map((target) => ({
    id: `${node.id}${DOT_ID} ► ${target}`,
    source: `${node.id}${DOT_ID}`,
    target,
  }))
  return [...own, ...node.states.flatMap(initialsOf)]
}

function readDrawing({ hash, root }: Machine, graph: ElkNode): Drawing {
  const edgeById = new Map((graph.edges ?? []).map((edge) => [edge.id, edge]))
  return {
    hash,
    width: Math.ceil(graph.width ?? 0),
    height: Math.ceil(graph.height ?? 0),
    states: statesOf(graph.children ?? [], invokesById(root)),
    edges: arrowsOf(root).map(({ id, source, target, transitions }) => {
      const edge = edgeById.get(id)
      const [label] = edge?.labels ?? []
      return {
        transitions: transitions.map((transition) => transition.id),
        source,
        target,
        points: pointsOf(edge),
        ...(label === undefined
          ? {}
          : { label: { lines: transitions.map(transitionLabel), ...boxOf(label) } }),
      }
    }),
    initials: initialsOf(root).map(({ id, source, target }) => ({
      state: source.slice(0, -DOT_ID.length),
      target,
      points: pointsOf(edgeById.get(id)),
    })),
  }
}

type Invoke = MachineNode['invoke'][number]

function invokeText({ id, src }: Invoke): string {
  return src === id ? src : `${src} as ${id}`
}

function invokesById(node: MachineNode): ReadonlyMap<string, readonly Invoke[]> {
  return new Map([[node.id, node.invoke], ...node.states.flatMap((one) => [...invokesById(one)])])
}

function statesOf(
  nodes: readonly ElkNode[],
  invokes: ReadonlyMap<string, readonly Invoke[]>,
): Drawing['states'] {
  return nodes
    .filter(({ id }) => !id.endsWith(DOT_ID))
    .flatMap((node) => {
      const children = node.children ?? []
      const header = children.length === 0 ? STATE_HEIGHT : HEADER
      const box = boxOf(node)
      const own = (invokes.get(node.id) ?? []).map((one, at) => ({
        id: one.id,
        text: invokeText(one),
        x: round(box.x + INVOKE_SIDE),
        y: round(box.y + header + at * (INVOKE_HEIGHT + INVOKE_GAP)),
        width: round(box.width - 2 * INVOKE_SIDE),
        height: INVOKE_HEIGHT,
      }))
      return [{ id: node.id, ...box, header, invokes: own }, ...statesOf(children, invokes)]
    })
}

type Shape = Pick<ElkNode, 'x' | 'y' | 'width' | 'height'>

function boxOf({ x = 0, y = 0, width = 0, height = 0 }: Shape) {
  return { x: round(x), y: round(y), width: round(width), height: round(height) }
}

function pointsOf(edge: Edge | undefined): { x: number; y: number }[] {
  return (edge?.sections ?? [])
    .flatMap(({ startPoint, bendPoints, endPoint }) => [
      startPoint,
      ...(bendPoints ?? []),
      endPoint,
    ])
    .map(({ x, y }) => ({ x: round(x), y: round(y) }))
}

function round(value: number): number {
  return Math.round(value * 10) / 10
}
