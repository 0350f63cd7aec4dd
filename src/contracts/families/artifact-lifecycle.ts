/**
 * What becomes of a project, of the documents of a mission and of its work packages.
 *
 * A project is initialized before all that happens in it; a phase starts before it completes, and of several completions the
 * latest counts; a package is created before its status changes. Streams are not refused for their order: who folds them
 * says what is odd. Source: the event contracts.
 */
import {
  anyText,
  closed,
  count,
  dateTime,
  list,
  optional,
  positive,
  text,
} from '../values/fields.ts'

const mission = { mission_slug: text, mission_number: optional(positive) }
const phase = { ...mission, actor: text, at: optional(dateTime) }
const document = { artifact_path: text, summary: optional(anyText) }

export const artifactLifecycle = {
  ProjectInitialized: closed({
    project_uuid: text,
    project_slug: optional(text),
    actor: text,
    runtime_version: optional(text),
    initialized_at: optional(dateTime),
  }),
  SpecifyStarted: closed({
    ...phase,
  }),
  SpecifyCompleted: closed({
    ...phase,
    ...document,
  }),
  PlanStarted: closed({
    ...phase,
  }),
  PlanCompleted: closed({
    ...phase,
    ...document,
  }),
  TasksStarted: closed({
    ...phase,
  }),
  TasksCompleted: closed({
    ...phase,
    ...document,
    wp_count: count,
  }),
  WPCreated: closed({
    ...mission,
    wp_id: text,
    wp_title: text,
    wp_path: optional(text),
    depends_on: list(anyText).default([]),
    actor: text,
    created_at: optional(dateTime),
  }),
  WPAssigned: closed({ wp_id: text, agent_id: text, phase: text, retry_count: count.default(0) }),
  HistoryAdded: closed({ wp_id: text, entry_type: text, entry_content: text, author: text }),
  ErrorLogged: closed({
    error_type: text,
    error_message: text,
    wp_id: optional(text),
    stack_trace: optional(anyText),
    agent_id: optional(text),
  }),
  DependencyResolved: closed({ wp_id: text, dependency_wp_id: text, resolution_type: text }),
}
