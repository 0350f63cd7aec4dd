/** The way in. */
import { useEffect, useRef, useState } from 'preact/hooks'
import { Mark } from '../../../page/mark.tsx'
import type { ApiFault } from '../feed/api.ts'
import type { Dashboard } from '../dashboard.ts'

export function Login({ dashboard }: { readonly dashboard: Dashboard }) {
  const { stage, fault } = dashboard
  return (
    <main class="login">
      <div class="login-card">
        <h1>
          <Mark /> Kittiwake <span class="faint">team</span>
        </h1>
        {/* Stays while what it says comes and goes: only then it is read aloud. */}
        <div id="login-fault" role="alert">
          {stage === 'entering' || fault === null ? null : (
            <p class="login-fault">{words(fault)}</p>
          )}
        </div>
        {stage === 'entering' ? (
          <p role="status" class="muted">
            {fault === null ? 'Looking for the hub …' : `${words(fault)} Trying again …`}
          </p>
        ) : (
          <TokenForm fault={fault} enter={(token) => void dashboard.enter({ token })} />
        )}
      </div>
    </main>
  )
}

function TokenForm({
  fault,
  enter,
}: {
  readonly fault: ApiFault | null
  readonly enter: (token: string) => void
}) {
  const [token, setToken] = useState('')
  const field = useRef<HTMLInputElement>(null)
  // At first, and after each try that failed.
  useEffect(() => field.current?.focus(), [fault])
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        setToken('')
        enter(token.trim())
      }}
    >
      <label for="token">Token of your team</label>
      <input
        id="token"
        ref={field}
        type="password"
        autocomplete="off"
        spellcheck={false}
        aria-invalid={fault !== null}
        aria-describedby="login-fault"
        value={token}
        onInput={({ currentTarget }) => setToken(currentTarget.value)}
      />
      <button type="submit" class="primary" disabled={token.trim() === ''}>
        Log in
      </button>
      <p class="muted small">
        Whoever runs the hub makes one with{' '}
        <code>kittiwake hub token create --team T --user U</code>, or a link that needs none with{' '}
        <code>kittiwake hub serve --open</code>. The token goes to the hub once and is not kept
        here.
      </p>
    </form>
  )
}

function words({ status, code }: ApiFault): string {
  if (status === 0) return 'The hub does not answer. Is it running?'
  if (code === 'SESSION_ENDED') return 'Your login has ended. Log in again.'
  if (status === 401) return 'This token or link is not good: it may be used, ended or mistyped.'
  if (status === 429) return 'Too many tries. Wait a moment, then try again.'
  if (status === 403) return 'The hub refuses this address. Open it by its own URL.'
  return 'The hub could not let you in. Try again.'
}
