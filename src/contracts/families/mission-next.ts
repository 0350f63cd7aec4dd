/** A run of a mission, step by step, and the questions that it asks. Source: the event contracts. */
import { anyText, list, open, optional, shared, text, word } from '../values/fields.ts'

export const runtimeActorIdentity = shared(
  'RuntimeActorIdentity',
  open({
    actor_id: text,
    actor_type: word('human', 'llm', 'service'),
    display_name: anyText.default(''),
    provider: optional(anyText),
    model: optional(anyText),
    tool: optional(anyText),
  }),
)

export const missionNext = {
  MissionRunStarted: open({ run_id: text, mission_type: text, actor: runtimeActorIdentity }),
  NextStepIssued: open({
    run_id: text,
    step_id: text,
    agent_id: text,
    actor: runtimeActorIdentity,
  }),
  NextStepAutoCompleted: open({
    run_id: text,
    step_id: text,
    agent_id: text,
    result: text,
    actor: runtimeActorIdentity,
  }),
  DecisionInputRequested: open({
    run_id: text,
    decision_id: text,
    step_id: text,
    question: text,
    options: list(anyText).default([]),
    input_key: optional(anyText),
    actor: runtimeActorIdentity,
  }),
  DecisionInputAnswered: open({
    run_id: text,
    decision_id: text,
    answer: text,
    actor: runtimeActorIdentity,
  }),
  MissionRunCompleted: open({ run_id: text, mission_type: text, actor: runtimeActorIdentity }),
  NextStepPlanned: open({}),
}
