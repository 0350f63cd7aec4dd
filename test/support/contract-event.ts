/** An envelope as the contracts want it, whose fields a test replaces. */
export function contractEvent(
  fields: Readonly<Record<string, unknown>> = {},
): Readonly<Record<string, unknown>> {
  return {
    event_id: '01KB2C3D4E5F6G7H8J9K0M1N2P',
    event_type: 'HistoryAdded',
    aggregate_id: 'WP01',
    payload: { wp_id: 'WP01', entry_type: 'note', entry_content: 'done', author: 'agent' },
    timestamp: '2026-11-28T10:00:00.000001+00:00',
    build_id: 'build-1',
    node_id: '0123456789ab',
    lamport_clock: 7,
    causation_id: null,
    project_uuid: '5f0c1c3e-8a52-4a3a-9d0f-2b7d6c1e9a10',
    correlation_id: '01KB2C3D4E5F6G7H8J9K0M1N2P',
    schema_version: '3.0.0',
    ...fields,
  }
}
