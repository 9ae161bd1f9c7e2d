/** At a daemon whose hosts have no agents that could tell what is alive. */
export async function endAdoption(daemon: string): Promise<void> {
  const content = { body: '{"force":true}', headers: { "content-type": "application/json" } };
  const reply = await fetch(`${daemon}/ipam/adopt`, { method: "POST", ...content });
  if (!reply.ok) throw new Error(await reply.text());
}
