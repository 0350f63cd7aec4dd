/** Who works on what, by what each declared. The hub makes the names up: it tells no person's. */
import { counted, visible } from '../../../page/text.ts'
import type { Dashboard } from '../dashboard.ts'

export function PresenceStrip({ dashboard }: { readonly dashboard: Dashboard }) {
  const { present } = dashboard
  return (
    <section class="presence" aria-label="Presence" data-testid="presence">
      <span class="muted">
        {present.length === 0
          ? 'Nobody has said what they work on'
          : `${counted(present.length, 'person', 'people')} at work`}
      </span>
      {present.map(({ member, focus }) => (
        <button
          key={member}
          type="button"
          class="at-work"
          title={`Somebody whom the hub calls ${visible(member)}`}
          onClick={() => dashboard.go({ tab: 'boards', mission: focus.mission })}
        >
          <span class="lamp" />
          <b>{visible(focus.mission)}</b>
          {focus.wp === undefined ? null : <span>{visible(focus.wp)}</span>}
        </button>
      ))}
    </section>
  )
}
