/** What is known of a work package beside its lane: set by claims and annotations, in the snapshot beside the lane. */
import { isJsonObject } from '../json/json.ts'
import type { Json, JsonObject } from '../json/json.ts'
import type { Annotation, Transition } from './status-record.ts'

export type Slots = { [key: string]: Json }

const REPLACED = [
  'shell_pid',
  'shell_pid_created_at',
  'agent',
  'assignee',
  'role',
  'agent_profile',
  'agent_profile_version',
  'model',
  'provider',
]
const RELEASED = ['agent', 'shell_pid', 'shell_pid_created_at']
const CLAIMED = ['shell_pid', 'shell_pid_created_at']

/** A claim brings what its policy says of the process that claims. */
export function claimSlots(slots: Slots, { policy_metadata }: Transition): void {
  if (policy_metadata === null || policy_metadata === undefined) return
  for (const key of CLAIMED) {
    const value = policy_metadata[key]
    if (value !== undefined && value !== null) slots[key] = value
  }
  const agent = policy_metadata['agent']
  if (agent !== undefined && agent !== null && agent !== '') slots['agent'] = agent
}

export function annotate(slots: Slots, { delta }: Annotation): void {
  if (delta['release_runtime_claim'] === true) for (const key of RELEASED) delete slots[key]
  for (const key of REPLACED) {
    const value = delta[key]
    if (value !== undefined && value !== null && value !== '') slots[key] = value
  }
  const { subtasks, note, review } = delta
  if (isJsonObject(subtasks)) slots['subtasks'] = { ...objectIn(slots, 'subtasks'), ...subtasks }
  if (typeof note === 'string' && note !== '') slots['notes'] = [...listIn(slots, 'notes'), note]
  takeReferences(slots, delta)
  if (isJsonObject(review)) takeReview(slots, review)
}

function takeReferences(slots: Slots, delta: JsonObject): void {
  const { tracker_refs, tracker_refs_replace } = delta
  if (Array.isArray(tracker_refs_replace)) slots['tracker_refs'] = tracker_refs_replace as Json
  if (!Array.isArray(tracker_refs)) return
  const known = listIn(slots, 'tracker_refs')
  slots['tracker_refs'] = [...new Set([...known, ...(tracker_refs as readonly Json[])])]
}

function takeReview(slots: Slots, review: JsonObject): void {
  const isEmpty = Object.values(review).every((value) => value === null || value === '')
  if (isEmpty) delete slots['review']
  else slots['review'] = review
}

function objectIn(slots: Slots, key: string): JsonObject {
  const value = slots[key]
  return isJsonObject(value) ? value : {}
}

function listIn(slots: Slots, key: string): readonly Json[] {
  const value = slots[key]
  return Array.isArray(value) ? (value as readonly Json[]) : []
}
