// Shows the API reference. A file of its own, because the page's policy allows no script inside it.
window.addEventListener("DOMContentLoaded", () => {
  window.SwaggerUIBundle({
    url: "/openapi.json",
    dom_id: "#reference",
    deepLinking: true,
    // Hundreds of operations: headings first.
    docExpansion: "none",
    defaultModelsExpandDepth: 0,
    filter: true,
    // The default asks a server elsewhere whether the document is valid.
    validatorUrl: null,
  });
});
