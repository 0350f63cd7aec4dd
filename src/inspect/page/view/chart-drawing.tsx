/** The drawing itself, in SVG. All words are text nodes. */
import type { ChartEdge, ChartInvoke, ChartState, LitChart } from '../model/chart.ts'
import { roundedPath } from '../model/chart.ts'
import { eventText, visible } from '../../../page/text.ts'
import type { Placement } from './use-pan-zoom.ts'

const LINE_HEIGHT = 14

export type ChartDrawingProps = {
  readonly chart: LitChart
  readonly placement: Placement
  /** Position of the step that was just taken: another one is drawn anew. */
  readonly step: number
  readonly chosen: string | null
  readonly onChoose: (stateId: string) => void
  readonly onActor: (actor: string) => void
}

export function ChartDrawing(props: ChartDrawingProps) {
  const { chart, placement, step, chosen, onChoose, onActor } = props
  const { x, y, scale } = placement
  const plain = chart.edges.filter(({ isTaken }) => !isTaken)
  const taken = chart.edges.filter(({ isTaken }) => isTaken)
  return (
    <svg class="drawing" width="100%" height="100%" role="img">
      <defs>
        {['plain', 'open', 'taken'].map((name) => (
          <marker
            key={name}
            id={`tip-${name}`}
            class={`tip ${name}`}
            viewBox="0 0 8 8"
            refX="7"
            refY="4"
            markerWidth="7"
            markerHeight="7"
            markerUnits="userSpaceOnUse"
            orient="auto"
          >
            <path d="M0 0 8 4 0 8z" />
          </marker>
        ))}
      </defs>
      <g transform={`translate(${x} ${y}) scale(${scale})`}>
        {chart.states.map((state) => (
          <StateShape
            key={state.id}
            state={state}
            isChosen={state.id === chosen}
            onChoose={onChoose}
            onActor={onActor}
          />
        ))}
        {chart.initials.map(({ state, points }) => (
          <g key={`initial ${state} ${points[0]?.x}`} class="initial">
            <circle cx={points[0]?.x} cy={points[0]?.y} r="4" />
            <path d={roundedPath(points)} marker-end="url(#tip-plain)" />
          </g>
        ))}
        {plain.map((edge) => (
          <EdgeLine key={keyOf(edge)} edge={edge} />
        ))}
        {taken.map((edge) => (
          <EdgeLine key={`${keyOf(edge)} ${step}`} edge={edge} />
        ))}
        {chart.edges.map((edge) => (
          <EdgeLabel key={`label ${keyOf(edge)}`} edge={edge} />
        ))}
      </g>
    </svg>
  )
}

function StateShape({
  state,
  isChosen,
  onChoose,
  onActor,
}: {
  readonly state: ChartState
  readonly isChosen: boolean
  readonly onChoose: (id: string) => void
  readonly onActor: (actor: string) => void
}) {
  const { id, node, x, y, width, height, header } = state
  const isOuter = (node?.states.length ?? 0) > 0
  const classes = [
    'state',
    isOuter ? 'outer' : 'inner',
    state.isActive ? 'active' : '',
    state.isLeaf ? 'leaf' : '',
    state.isRegion ? 'region' : '',
    isChosen ? 'chosen' : '',
    node?.type ?? '',
  ]
  const name = node === undefined || node.key === '' ? id : node.key
  return (
    <g
      class={classes.join(' ')}
      data-state={id}
      onClick={(event) => {
        event.stopPropagation()
        onChoose(id)
      }}
    >
      <title>{visible(id)}</title>
      <rect
        x={x}
        y={y}
        width={width}
        height={height}
        rx={node?.type === 'history' ? height / 2 : 6}
      />
      {node?.type === 'final' ? (
        <rect class="within" x={x + 3} y={y + 3} width={width - 6} height={height - 6} rx="4" />
      ) : null}
      <text class="name" x={x + width / 2} y={y + header / 2 + 4} text-anchor="middle">
        {node?.type === 'history' ? (node.history === 'deep' ? 'H*' : 'H') : visible(name)}
      </text>
      {state.invokes.map((invoke) => (
        <InvokeShape key={invoke.id} invoke={invoke} onActor={onActor} />
      ))}
      {state.stayed === null ? null : (
        <text class="stayed" x={x + width + 6} y={y + height / 2 + 4}>
          ↻ {eventText(state.stayed)}
        </text>
      )}
    </g>
  )
}

/** What the state invokes; while it runs, the way to its actor. */
function InvokeShape({
  invoke,
  onActor,
}: {
  readonly invoke: ChartInvoke
  readonly onActor: (actor: string) => void
}) {
  const { id, text, actor, x, y, width, height } = invoke
  return (
    <g
      class={actor === null ? 'invoke' : 'invoke running'}
      data-invoke={id}
      onClick={(event) => {
        if (actor === null) return
        event.stopPropagation()
        onActor(actor)
      }}
    >
      <title>{visible(actor ?? id)}</title>
      <rect x={x} y={y} width={width} height={height} rx={height / 2} />
      <text x={x + width / 2} y={y + height / 2 + 4} text-anchor="middle">
        ⚙ {visible(text)}
      </text>
    </g>
  )
}

function EdgeLine({ edge }: { readonly edge: ChartEdge }) {
  const kind = edge.isTaken ? 'taken' : edge.isOpen ? 'open' : 'plain'
  return (
    <path
      class={`edge ${kind}`}
      d={roundedPath(edge.points)}
      pathLength={1}
      marker-end={`url(#tip-${kind})`}
      data-edge={edge.transitions.join(' ')}
    />
  )
}

function EdgeLabel({ edge }: { readonly edge: ChartEdge }) {
  const { label } = edge
  if (label === undefined) return null
  const kind = edge.isTaken ? 'taken' : edge.isOpen ? 'open' : 'plain'
  return (
    <text class={`label ${kind}`} text-anchor="middle">
      {label.lines.map((line, at) => (
        <tspan key={line} x={label.x + label.width / 2} y={label.y + (at + 1) * LINE_HEIGHT - 3}>
          {visible(line)}
        </tspan>
      ))}
    </text>
  )
}

function keyOf({ source, target }: ChartEdge): string {
  return `${source} ► ${target}`
}
