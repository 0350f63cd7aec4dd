/** Events as somebody would hand them to the program. */

export type NoteDraft = {
  readonly event_type: 'HistoryAdded'
  readonly aggregate_id: 'WP01'
  readonly payload: Readonly<Record<string, string>>
}

/** What is noted of a work package. */
export function draftNote(text: string): NoteDraft {
  const payload = { wp_id: 'WP01', entry_type: 'note', author: 'agent', entry_content: text }
  return { event_type: 'HistoryAdded', aggregate_id: 'WP01', payload }
}

/** The arguments that emit one note. */
export function emitNote(text: string): string[] {
  const { event_type, aggregate_id, payload } = draftNote(text)
  return ['emit', event_type, '--aggregate', aggregate_id, '--payload', JSON.stringify(payload)]
}

/** The lines of a batch of notes. */
export function noteLines(texts: readonly string[]): string {
  return texts.map((text) => JSON.stringify(draftNote(text))).join('\n')
}

/** The text of a note as it came back. */
export function noteOf(event: Readonly<Record<string, unknown>>): string {
  return (event['payload'] as { entry_content: string }).entry_content
}
