/** Missions as a list for people: what is worked on before what is finished, and when something last happened in each. */
import type { Mission } from './types.ts'

const ENDS: ReadonlySet<string> = new Set(['approved', 'done', 'canceled'])

/** All of its packages are where none moves on from by itself; one without any has not begun. */
export function isFinished({ summary }: Pick<Mission, 'summary'>): boolean {
  const lanes = Object.entries(summary ?? {}).filter(([, size]) => size > 0)
  return lanes.length > 0 && lanes.every(([lane]) => ENDS.has(lane))
}

/** Otherwise as they came, by name, so that no row moves while somebody reaches for it. */
export function inWorkFirst(missions: readonly Mission[]): readonly Mission[] {
  return [...missions.filter((one) => !isFinished(one)), ...missions.filter(isFinished)]
}

/** History came all at once, long after it happened. */
export function lastAt({ moved_at, received_at }: Mission): string {
  return moved_at ?? received_at
}

/** The one where something moved last; where nothing has, the one that was told of last. */
export function latest(missions: readonly Mission[]): Mission | undefined {
  const moved = missions.filter(({ moved_at }) => moved_at !== null)
  const at = (mission: Mission): number => Date.parse(lastAt(mission))
  return [...(moved.length > 0 ? moved : missions)].sort((a, b) => at(b) - at(a))[0]
}
