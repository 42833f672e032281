// Generated from templates/nginx.conf.hbs by scripts/templates.mjs.
// @ts-nocheck: what Handlebars makes of it has no types.

/** templates/nginx.conf.hbs, compiled. */
export const NGINX_TEMPLATE = {"0":function(container,depth0,helpers,partials,data) {
    var stack1;

  return "        server "
    + ((stack1 = container.lambda(container.strict(depth0, "address", {"start":{"line":24,"column":17},"end":{"line":24,"column":24}} ), depth0)) != null ? stack1 : "")
    + " max_fails=3 fail_timeout=10s;\n";
},"1":function(container,depth0,helpers,partials,data) {
    var stack1, alias1=container.strict, alias2=container.lambda;

  return "        listen 8080 ssl;\n        ssl_certificate "
    + ((stack1 = alias2(alias1(depth0, "folder", {"start":{"line":34,"column":26},"end":{"line":34,"column":32}} ), depth0)) != null ? stack1 : "")
    + "/certificate.pem;\n        ssl_certificate_key "
    + ((stack1 = alias2(alias1(depth0, "folder", {"start":{"line":35,"column":30},"end":{"line":35,"column":36}} ), depth0)) != null ? stack1 : "")
    + "/certificate.key;\n";
},"2":function(container,depth0,helpers,partials,data) {
    return "        listen 8080;\n";
},"3":function(container,depth0,helpers,partials,data) {
    return "            # A gateway's certificate is its own, new at each start; Kuscia's tokens and keys prove the peer.\n            proxy_ssl_verify off;\n            proxy_ssl_session_reuse on;\n";
},"compiler":[8,">= 4.3.0"],"main":function(container,depth0,helpers,partials,data) {
    var stack1, alias1=container.strict, alias2=container.lambda, alias3=depth0 != null ? depth0 : (container.nullContext || {}), lookupProperty = container.lookupProperty || function(parent, propertyName) {
        if (Object.prototype.hasOwnProperty.call(parent, propertyName)) {
          return parent[propertyName];
        }
        return undefined
    };

  return "# Load balancer of domain "
    + ((stack1 = alias2(alias1(depth0, "domain", {"start":{"line":1,"column":28},"end":{"line":1,"column":34}} ), depth0)) != null ? stack1 : "")
    + ", made by kuscia-swarm: changes by hand are overwritten.\nworker_processes auto;\nerror_log /dev/stderr notice;\npid /tmp/nginx.pid;\n\nevents {\n    worker_connections 4096;\n}\n\nhttp {\n    access_log off;\n    # Kuscia's headers have characters that nginx would drop.\n    ignore_invalid_headers off;\n    # How large a request may be is the gateway's to judge.\n    client_max_body_size 0;\n    keepalive_requests 1000;\n    keepalive_timeout 20m;\n\n    upstream replicas {\n        # Without a shared zone each worker process keeps its own turn.\n        zone replicas 64k;\n        # A replica that failed is tried again soon: after a minute, a change that goes from replica to replica would find none in use.\n"
    + ((stack1 = lookupProperty(helpers,"each").call(alias3,lookupProperty(depth0,"replicas"),{"name":"each","hash":{},"fn":container.program(0, data, 0),"inverse":container.noop,"data":data,"loc":{"start":{"line":23,"column":0},"end":{"line":25,"column":9}}})) != null ? stack1 : "")
    + "        keepalive 32;\n        keepalive_timeout 600s;\n        keepalive_requests 1000;\n    }\n\n    server {\n"
    + ((stack1 = lookupProperty(helpers,"if").call(alias3,lookupProperty(depth0,"https"),{"name":"if","hash":{},"fn":container.program(1, data, 0),"inverse":container.program(2, data, 0),"data":data,"loc":{"start":{"line":32,"column":0},"end":{"line":38,"column":7}}})) != null ? stack1 : "")
    + "        location / {\n            proxy_pass "
    + ((stack1 = alias2(alias1(depth0, "scheme", {"start":{"line":40,"column":25},"end":{"line":40,"column":31}} ), depth0)) != null ? stack1 : "")
    + "://replicas;\n"
    + ((stack1 = lookupProperty(helpers,"if").call(alias3,lookupProperty(depth0,"tls"),{"name":"if","hash":{},"fn":container.program(3, data, 0),"inverse":container.noop,"data":data,"loc":{"start":{"line":41,"column":0},"end":{"line":45,"column":7}}})) != null ? stack1 : "")
    + "            proxy_http_version 1.1;\n            # One proxy_set_header here cancels all inherited ones, so both stand together.\n            proxy_set_header Connection \"\";\n            proxy_set_header Host $http_host;\n            proxy_buffering off;\n            proxy_request_buffering off;\n            proxy_connect_timeout 5s;\n            proxy_read_timeout 10m;\n            proxy_send_timeout 10m;\n        }\n    }\n\n    # Says which configuration is loaded, inside the container only.\n    server {\n        listen 127.0.0.1:8089;\n        location = /configuration {\n            default_type text/plain;\n            return 200 \""
    + ((stack1 = alias2(alias1(depth0, "digest", {"start":{"line":63,"column":26},"end":{"line":63,"column":32}} ), depth0)) != null ? stack1 : "")
    + "\";\n        }\n    }\n}\n";
},"useData":true};
