/** Judges an event as it travels: by who emits it and by who receives it, with the same words. */
import { judgeEvent, type Verdict } from '../judge.ts'

type Value = Readonly<Record<string, unknown>>

/**
 * What other writers leave out of an envelope, or what `init` gives an event later, is filled in for the judgement alone: a
 * project, a build, a correlation.
 */
export function judgeWireEvent(event: Value): Verdict {
  const { project_uuid, build_id, correlation_id, event_id } = event
  // Most leave nothing out, and a copy costs as much as what is asked of it.
  const isWhole = typeof project_uuid === 'string' && typeof correlation_id === 'string'
  if (isWhole && typeof build_id === 'string' && build_id !== '') return judgeEvent(event)
  return judgeEvent({
    ...event,
    project_uuid: project_uuid === null ? NO_PROJECT : project_uuid,
    build_id: build_id === '' ? 'unknown' : build_id,
    correlation_id: correlation_id === undefined ? event_id : correlation_id,
  })
}

const NO_PROJECT = '00000000-0000-0000-0000-000000000000'
