/** A machine's drawing, lit as it was at one moment. */
import { activeStates } from '../../active-states.ts'
import type { Drawing } from '../../client-protocol.ts'
import type { MachineNode } from '../../protocol.ts'
import { type ActorMoment, statesById } from './actor-track.ts'
import type { Machine } from './history.ts'

export type Box = {
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

export type ChartInvoke = Drawing['states'][number]['invokes'][number] & {
  /** The actor that it is now; null while there is none. */
  readonly actor: string | null
}

export type ChartState = Box & {
  readonly id: string
  readonly header: number
  readonly invokes: readonly ChartInvoke[]
  readonly node: MachineNode | undefined
  readonly isActive: boolean
  /** Active, and nothing within it is. */
  readonly isLeaf: boolean
  readonly isRegion: boolean
  /** The event of a transition just taken that stayed here. */
  readonly stayed: string | null
}

export type ChartEdge = Drawing['edges'][number] & {
  /** Just taken. */
  readonly isTaken: boolean
  /** Can be taken from what is active. */
  readonly isOpen: boolean
}

export type LitChart = {
  readonly states: readonly ChartState[]
  readonly edges: readonly ChartEdge[]
  readonly initials: Drawing['initials']
  /** Where the active leaves and what was just taken are. */
  readonly focus: Box
}

export function lightChart(
  machine: Machine,
  drawing: Drawing,
  moment: ActorMoment | null,
  /** By their names, the actors that this one has now. */
  children: ReadonlyMap<string, string> = new Map(),
): LitChart {
  const nodes = statesById(machine.root)
  const active = new Set(moment === null ? [] : activeStates(machine.root, moment.value))
  const regions = new Set(
    [...nodes.values()]
      .filter(({ type }) => type === 'parallel')
      .flatMap(({ states }) => states.map(({ id }) => id)),
  )
  const taken = moment?.step?.message.transitions ?? []
  const takenIds = new Set(taken.map(({ id }) => id))
  const stayed = new Map(
    taken
      .filter(({ targets }) => targets.length === 0)
      .map(({ source, eventType }) => [source, eventType]),
  )
  const states = drawing.states.map((state) => {
    const node = nodes.get(state.id)
    const isActive = active.has(state.id)
    return {
      ...state,
      invokes: state.invokes.map((one) => ({
        ...one,
        actor: isActive ? (children.get(one.id) ?? null) : null,
      })),
      node,
      isActive,
      isLeaf: isActive && !(node?.states ?? []).some(({ id }) => active.has(id)),
      isRegion: regions.has(state.id),
      stayed: stayed.get(state.id) ?? null,
    }
  })
  const edges = drawing.edges.map((edge) => ({
    ...edge,
    isTaken: edge.transitions.some((id) => takenIds.has(id)),
    isOpen: active.has(edge.source),
  }))
  return {
    states,
    edges,
    initials: drawing.initials,
    focus: boxAround(
      states.filter(({ isLeaf }) => isLeaf),
      drawing,
    ),
  }
}

function boxAround(boxes: readonly Box[], whole: Drawing): Box {
  if (boxes.length === 0) return { x: 0, y: 0, width: whole.width, height: whole.height }
  const x = Math.min(...boxes.map((box) => box.x))
  const y = Math.min(...boxes.map((box) => box.y))
  return {
    x,
    y,
    width: Math.max(...boxes.map((box) => box.x + box.width)) - x,
    height: Math.max(...boxes.map((box) => box.y + box.height)) - y,
  }
}

type Point = { readonly x: number; readonly y: number }
const CORNER = 7

/** A line over these points with round corners. */
export function roundedPath(points: readonly Point[]): string {
  return points
    .map((point, at) => {
      const [before, after] = [points[at - 1], points[at + 1]]
      if (before === undefined) return `M${point.x} ${point.y}`
      if (after === undefined) return `L${point.x} ${point.y}`
      const [from, to] = [towards(point, before), towards(point, after)]
      return `L${from.x} ${from.y}Q${point.x} ${point.y} ${to.x} ${to.y}`
    })
    .join('')
}

function towards(from: Point, to: Point): Point {
  const length = Math.hypot(to.x - from.x, to.y - from.y)
  const share = length === 0 ? 0 : Math.min(CORNER, length / 2) / length
  return { x: round(from.x + (to.x - from.x) * share), y: round(from.y + (to.y - from.y) * share) }
}

function round(value: number): number {
  return Math.round(value * 10) / 10
}
