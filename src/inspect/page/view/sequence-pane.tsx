/** Messages between actors and threads, from top to bottom, with how long each answer took. */
import { useLayoutEffect, useRef, useState } from 'preact/hooks'
import type { RefObject } from 'preact'
import type { Inspector } from '../inspector.ts'
import type { Entry } from '../model/entry.ts'
import type { History } from '../model/history.ts'
import { type Filter, type Group, GROUPS, Rows } from '../model/filter.ts'
import { type Arrow, arrowOf, type Lane, lanesOf } from '../model/lanes.ts'
import { lowerBound } from '../model/search.ts'
import { clockTime, duration } from '../../../page/text.ts'
import { type Sight, VirtualList } from '../../../page/virtual-list.tsx'

const ROW_HEIGHT = 30
const LANE_WIDTH_MIN = 92
const LANE_WIDTH_MAX = 160
const GUTTER = 104
const SCROLLBAR = 16
/** Lanes are those of what is near, so that few are empty; they change only when one goes this far. */
const NEAR = 120
const HIDDEN = new Set<Group>(
  GROUPS.map(({ group }) => group).filter((group) => group !== 'events' && group !== 'threads'),
)

export function SequencePane({ inspector }: { readonly inspector: Inspector }) {
  const { history, now, isLive } = inspector
  const [box, room] = useWidth()
  const positions = useSequence(inspector)
  const focus = lowerBound(positions, (at) => at <= now) - 1
  const part = Math.floor(Math.max(0, focus) / NEAR)
  const near = positions.slice(Math.max(0, (part - 1) * NEAR), (part + 2) * NEAR)
  const lanes = lanesOf(near, history)
  const columns = columnsOf(lanes, room)
  const width = GUTTER + lanes.length * columns.width
  const chosen = history.at(positions[focus] ?? -1)
  return (
    <div ref={box} class="sequence-box">
      {positions.length === 0 ? (
        <p class="empty">No message between actors or threads passes the search.</p>
      ) : (
        <VirtualList
          class="sequence"
          label="Messages between actors and threads"
          count={positions.length}
          rowHeight={ROW_HEIGHT}
          width={width}
          focus={focus}
          follows={isLive}
          sight={sightOf(chosen, history, columns)}
          onLeave={() => inspector.togglePause()}
          head={<Heads lanes={lanes} columns={columns} />}
          row={(index) => (
            <Row
              key={positions[index]}
              inspector={inspector}
              entry={history.at(positions[index] ?? -1)}
              columns={columns}
              isChosen={index === focus}
            />
          )}
        />
      )}
    </div>
  )
}

type Columns = {
  readonly width: number
  readonly count: number
  readonly placeByKey: ReadonlyMap<string, number>
}

function columnsOf(lanes: readonly Lane[], room: number): Columns {
  const share = Math.floor((room - GUTTER - SCROLLBAR) / Math.max(1, lanes.length))
  return {
    width: Math.max(LANE_WIDTH_MIN, Math.min(LANE_WIDTH_MAX, share)),
    count: lanes.length,
    placeByKey: new Map(lanes.map(({ key }, index) => [key, index])),
  }
}

/** Where the chosen arrow goes, so that it is scrolled to. */
function sightOf(entry: Entry | undefined, history: History, columns: Columns): Sight | undefined {
  const arrow = entry === undefined ? null : arrowOf(entry, history)
  const places = [arrow?.from, arrow?.to].map((key) => columns.placeByKey.get(key ?? ' ') ?? 0)
  return {
    left: Math.min(...places) * columns.width,
    right: GUTTER + (Math.max(...places) + 1) * columns.width,
  }
}

function useWidth(): readonly [RefObject<HTMLDivElement | null>, number] {
  const box = useRef<HTMLDivElement>(null)
  const [width, setWidth] = useState(0)
  useLayoutEffect(() => {
    const element = box.current
    if (element === null) return
    const observer = new ResizeObserver(() => setWidth(element.clientWidth))
    observer.observe(element)
    return () => observer.disconnect()
  }, [])
  return [box, width]
}

/** The timeline's filter but for its kinds, since here is only one kind of thing. */
function useSequence(inspector: Inspector): readonly number[] {
  const kept = useRef<{ rows: Rows; filter: Filter } | null>(null)
  const { actor, words } = inspector.view.filter
  if (
    kept.current === null ||
    kept.current.filter.actor !== actor ||
    kept.current.filter.words !== words
  ) {
    kept.current = { rows: new Rows(), filter: { hidden: HIDDEN, actor, words } }
  }
  return kept.current.rows.update(inspector.history, kept.current.filter)
}

function Heads({ lanes, columns }: { readonly lanes: readonly Lane[]; readonly columns: Columns }) {
  return (
    <div class="lane-heads" role="presentation">
      <span class="time" />
      {lanes.map(({ key, label, kind }) => (
        <span
          key={key}
          class={`lane ${kind}`}
          title={label}
          style={{ width: `${columns.width}px` }}
        >
          {label}
        </span>
      ))}
    </div>
  )
}

type RowProps = {
  readonly inspector: Inspector
  readonly entry: Entry | undefined
  readonly columns: Columns
  readonly isChosen: boolean
}

function Row({ inspector, entry, columns, isChosen }: RowProps) {
  const arrow = entry === undefined ? null : arrowOf(entry, inspector.history)
  if (entry === undefined || arrow === null) return null
  const [from, to] = [columns.placeByKey.get(arrow.from), columns.placeByKey.get(arrow.to)]
  const isAhead = entry.at > inspector.now
  return (
    <div
      class={`hop ${arrow.kind} ${isChosen ? 'chosen' : ''} ${isAhead ? 'ahead' : ''}`}
      role="option"
      aria-selected={isChosen}
      onClick={() => inspector.open(entry.at)}
    >
      <span class="time">{clockTime(entry.message.createdAt)}</span>
      {from === undefined || to === undefined ? (
        <span class="faint">{arrow.label}</span>
      ) : (
        <Hop arrow={arrow} from={from} to={to} columns={columns} />
      )}
    </div>
  )
}

type HopProps = {
  readonly arrow: Arrow
  readonly from: number
  readonly to: number
  readonly columns: Columns
}

/** Its words stand where it starts, which is where one looks. */
function Hop({ arrow, from, to, columns }: HopProps) {
  const centreOf = (place: number) => (place + 0.5) * columns.width
  const [start, end] = [centreOf(from), centreOf(to)]
  const isSelf = from === to
  const direction = isSelf ? 1 : Math.sign(end - start)
  const line = isSelf ? `M${start} 9h18v12h-14` : `M${start} 20H${end - direction * 3}`
  const tip = isSelf
    ? `M${start + 8} 17l-5 4 5 4z`
    : `M${end - direction * 9} 16l${direction * 8} 4 ${-direction * 8} 4z`
  return (
    <svg class="hop-line" width={columns.count * columns.width} height={ROW_HEIGHT}>
      {Array.from({ length: columns.count }, (_, place) => (
        <line
          key={place}
          class="lifeline"
          x1={centreOf(place)}
          x2={centreOf(place)}
          y1="0"
          y2={ROW_HEIGHT}
        />
      ))}
      <path class="hop-arrow" d={line} />
      <path class="hop-tip" d={tip} />
      {isSelf ? null : <circle class="hop-dot" cx={start} cy="20" r="2.5" />}
      <text
        class="hop-label"
        x={start + (isSelf ? 26 : direction * 8)}
        y={isSelf ? 19 : 15}
        text-anchor={direction > 0 ? 'start' : 'end'}
      >
        {arrow.label}
        {arrow.latency === null ? null : (
          <tspan class="hop-time"> {duration(arrow.latency.totalMs)}</tspan>
        )}
      </text>
    </svg>
  )
}
