/** How the workers lived: their states over a stretch of time, as bands. */
import type { ActorTrack } from './actor-track.ts'
import type { History } from './history.ts'
import { stateText } from '../../../page/state-text.ts'

export type Band = {
  /** Shares of the stretch, 0 to 1. */
  readonly from: number
  readonly to: number
  readonly state: string
  readonly mood: 'idle' | 'starting' | 'ready' | 'restarting' | 'failed'
}

export type Lifecycle = {
  readonly id: string
  readonly name: string
  readonly state: string
  readonly bands: readonly Band[]
}

const WORKER = 'worker'
const BANDS_MAX = 400

export function lifecycles(
  history: History,
  process: string,
  at: number,
  stretch: { readonly from: number; readonly to: number },
): readonly Lifecycle[] {
  const workers = [...history.actors].filter(
    ({ first }) =>
      first.at <= at &&
      first.message.process === process &&
      history.machine(first.message.machine)?.name === WORKER,
  )
  return workers.map((actor) => ({
    id: actor.id,
    name: actor.first.message.name,
    state: stateText(actor.moment(at)?.value),
    bands: bandsOf(actor, at, stretch),
  }))
}

function bandsOf(
  actor: ActorTrack,
  at: number,
  { from, to }: { readonly from: number; readonly to: number },
): readonly Band[] {
  const span = Math.max(1, to - from)
  const share = (mono: number) => Math.min(1, Math.max(0, (mono - from) / span))
  const bands: { from: number; to: number; state: string }[] = []
  for (const { at: position, message } of actor.states) {
    if (position > at) break
    const state =
      message.snapshot.status === 'active'
        ? stateText(message.snapshot.value)
        : message.snapshot.status
    const last = bands.at(-1)
    if (last?.state === state) continue
    if (last !== undefined) last.to = share(message.mono)
    bands.push({ from: share(message.mono), to: 1, state })
  }
  const end = actor.over !== null && actor.over.at <= at ? share(actor.over.message.mono) : 1
  return bands
    .map((band) => ({ ...band, to: Math.min(band.to, end), mood: moodOf(band.state) }))
    .filter((band) => band.to > band.from)
    .slice(-BANDS_MAX)
}

function moodOf(state: string): Band['mood'] {
  if (/restart|backoff/i.test(state)) return 'restarting'
  if (/fail|error/i.test(state)) return 'failed'
  if (/starting/.test(state)) return 'starting'
  return /ready/.test(state) ? 'ready' : 'idle'
}
