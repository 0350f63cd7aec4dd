/** A profile that is invoked in a step. Of its end only the names are agreed on. Source: the event contracts. */
import { closed, open, optional, text } from '../values/fields.ts'
import { runtimeActorIdentity } from './mission-next.ts'

export const profileInvocation = {
  ProfileInvocationStarted: closed({
    mission_id: text,
    run_id: text,
    step_id: text,
    action: text,
    profile_slug: text,
    profile_version: optional(text),
    actor: runtimeActorIdentity,
    governance_scope: optional(text),
  }),
  ProfileInvocationCompleted: open({}),
  ProfileInvocationFailed: open({}),
}
