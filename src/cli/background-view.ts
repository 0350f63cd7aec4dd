/** The background process as `sync status` shows it. Starts nothing. */
import type { HoldingStatus } from '../background/protocol.ts'

export type BackgroundView = {
  readonly state: 'running' | 'not_running' | 'unresponsive'
  /** Why it can't be spoken with, or null. */
  readonly reason: string | null
  readonly pid: number | null
  readonly version: string | null
  readonly started_at: string | null
  readonly resident_mb: number | null
  readonly projects: readonly HoldingStatus[]
}

const NOBODY = {
  reason: null,
  pid: null,
  version: null,
  started_at: null,
  resident_mb: null,
  projects: [],
} as const

export async function readBackground(): Promise<BackgroundView> {
  const { findBackground } = await import('../background/find.ts')
  const { placesOf } = await import('../background/places.ts')
  const { stateDirectory } = await import('../project/state-directory.ts')
  const found = await findBackground(placesOf(stateDirectory(process.env)))
  if (found.state === 'not_running') return { ...NOBODY, state: found.state }
  if (found.state === 'running') {
    const { pid, version, started_at, resident_mb, projects } = found.status
    return { state: found.state, reason: null, pid, version, started_at, resident_mb, projects }
  }
  const { pid = null, version = null, started_at = null } = found.owner ?? {}
  return { ...NOBODY, state: found.state, reason: found.reason, pid, version, started_at }
}

/** A row for the process, and one for each project that has something to say; the present one first. */
export function backgroundRows(view: BackgroundView, present: string | null): string[][] {
  if (view.state === 'not_running') return [['background', 'not running']]
  if (view.state === 'unresponsive') return [['background', `unresponsive (${view.reason ?? ''})`]]
  const since = `running since ${view.started_at ?? ''}, version ${view.version ?? ''}`
  const own = view.projects.filter((one) => one.project === present)
  const others = view.projects.filter((one) => one.project !== present && one.state !== 'resting')
  return [
    ['background', `${since}, process ${view.pid ?? ''}, ${view.resident_mb ?? ''} MiB`],
    ...own.map((one) => ['  this project', holdingText(one)]),
    ...others.map((one) => [`  ${one.project.slice(0, 8)}`, holdingText(one)]),
  ]
}

function holdingText({ state, reason, next_try_at, waiting }: HoldingStatus): string {
  const why = reason === null ? '' : ` (${reason})`
  const next = next_try_at === null ? '' : `, next try ${next_try_at}`
  return `${state}${why}${next}, ${waiting} waiting`
}
