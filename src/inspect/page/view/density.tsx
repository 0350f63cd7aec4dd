/** How much happened when; drag over it to go through time. */
import { useRef } from 'preact/hooks'
import type { Inspector } from '../inspector.ts'
import { isEntry } from '../model/entry.ts'
import type { History } from '../model/history.ts'
import { clockTime } from '../../../page/text.ts'

const BUCKETS = 240
const HEIGHT = 32

type Density = {
  readonly from: number
  readonly to: number
  readonly heights: readonly number[]
  /** Places from 0 to 1 of what went wrong, and of what was left out. */
  readonly crashes: readonly number[]
  readonly gaps: readonly number[]
}

export function Density({ inspector }: { readonly inspector: Inspector }) {
  const { history, now } = inspector
  const svg = useRef<SVGSVGElement>(null)
  const density = useDensity(history)
  const span = Math.max(1, density.to - density.from)
  const mono = history.at(now)?.message.mono ?? density.to
  const place = Math.min(1, Math.max(0, (mono - density.from) / span))
  const steps = history.actor(inspector.view.actor)?.steps ?? []

  const scrub = (event: PointerEvent) => {
    const box = svg.current?.getBoundingClientRect()
    if (box === undefined || box.width === 0 || history.end === 0) return
    const at = (event.clientX - box.left) / box.width
    if (at >= 1) inspector.follow()
    else inspector.goTo(history.positionAt(density.from + at * span))
  }
  return (
    <svg
      ref={svg}
      class="density"
      viewBox={`0 0 ${BUCKETS} ${HEIGHT}`}
      preserveAspectRatio="none"
      role="slider"
      aria-label="Moment"
      aria-valuemin={history.start}
      aria-valuemax={Math.max(history.start, history.end - 1)}
      aria-valuenow={Math.max(0, now)}
      aria-valuetext={clockTime(history.at(now)?.message.createdAt ?? '')}
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId)
        scrub(event)
      }}
      onPointerMove={(event) => (event.buttons === 1 ? scrub(event) : undefined)}
    >
      <rect class="past" x="0" y="0" width={place * BUCKETS} height={HEIGHT} />
      <path class="bars" d={barsOf(density.heights)} />
      <path
        class="steps"
        d={ticksOf(
          steps.map(({ message }) => (message.mono - density.from) / span),
          HEIGHT - 4,
        )}
      />
      <path class="gaps" d={ticksOf(density.gaps, 0)} />
      <path class="crashes" d={ticksOf(density.crashes, 0)} />
      <line class="needle" x1={place * BUCKETS} x2={place * BUCKETS} y1="0" y2={HEIGHT} />
    </svg>
  )
}

function useDensity(history: History): Density {
  const known = useRef<{ history: History; end: number; density: Density } | null>(null)
  if (known.current?.history === history && known.current.end === history.end) {
    return known.current.density
  }
  const density = measure(history)
  known.current = { history, end: history.end, density }
  return density
}

function measure(history: History): Density {
  const from = history.at(history.start)?.message.mono ?? 0
  const to = history.at(history.end - 1)?.message.mono ?? from
  const span = Math.max(1, to - from)
  const counts = Array.from<number>({ length: BUCKETS }).fill(0)
  const [crashes, gaps]: [number[], number[]] = [[], []]
  for (let at = history.start; at < history.end; at += 1) {
    const entry = history.at(at)
    if (entry === undefined) continue
    const place = (entry.message.mono - from) / span
    const bucket = Math.min(BUCKETS - 1, Math.max(0, Math.floor(place * BUCKETS)))
    counts[bucket] = (counts[bucket] ?? 0) + 1
    if (isEntry(entry, 'kittiwake.message') && entry.message.phase === 'crashed')
      crashes.push(place)
    else if (isEntry(entry, 'kittiwake.sampled')) gaps.push(place)
  }
  // By its root, so that quiet times are seen beside a burst.
  const most = Math.sqrt(Math.max(1, ...counts))
  return { from, to, crashes, gaps, heights: counts.map((one) => Math.sqrt(one) / most) }
}

function barsOf(heights: readonly number[]): string {
  return heights
    .map((height, at) =>
      height === 0
        ? ''
        : `M${at} ${HEIGHT}V${round(HEIGHT - 4 - height * (HEIGHT - 6))}h.8V${HEIGHT}z`,
    )
    .join('')
}

/** Not more than there are buckets: they would be painted over each other. */
function ticksOf(places: readonly number[], y: number): string {
  const buckets = new Set(
    places.map((place) => Math.floor(Math.min(1, Math.max(0, place)) * BUCKETS)),
  )
  return [...buckets].map((at) => `M${Math.min(BUCKETS - 1, at)} ${y}h1v4h-1z`).join('')
}

function round(value: number): number {
  return Math.round(value * 10) / 10
}
